import { afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { spanOf } from '../src/features/market/chart/intervals.js';
import { chooseInterval, live, signIn } from './browser.js';
import { expectRestsBars, oldestBar, readBars, restBars, timeAt } from './chartReading.js';
import { served } from './served.js';

/** Of which there are minutes, hours and days in the database, each with pages of its own. */
const INTERVALS = ['1m', '4h', '1d'];

const at = served({ SYMBOLS: 'BTC' });

/** @type {import('playwright-core').Page} */
let page;

/** The simulated market's years are there a moment after its first start. */
beforeAll(async () => {
  const days = async () => (await restBars(at.server.url, 'BTC', '1d')).length;
  await vi.waitUntil(async () => (await days()) > 700, { timeout: 30_000, interval: 100 });
});

beforeEach(async () => {
  page = await at.browser.newPage({ viewport: { width: 1440, height: 900 } });
  await signIn(page, at.server.url, 'ada');
});

afterEach(() => page?.close());

/** @param {string} path */
async function open(path) {
  await page.goto(at.server.url + path);
  await live(page);
  await page.locator('.legend time').waitFor();
}

/**
 * Scroll to the first candle that is loaded.
 * @returns {Promise<number>} Its opening, epoch in ms.
 */
async function scrollToFirst() {
  await page.locator('.chart-canvas').press('Home');
  const first = await page.locator('.legend time').getAttribute('datetime');
  await page.locator('.chart-canvas').press('Escape');
  return Date.parse(first ?? '');
}

it('has the years behind it also where it was opened before they were loaded', async () => {
  // As in the first seconds of a server that asks an exchange: a week, the first day a part of it.
  let early = true;
  await page.route('**/api/market/candles?*interval=1d*', async (route) => {
    const response = await route.fetch();
    const { candles, ...rest } = await response.json();
    const known = early ? candles.slice(-7).filter(() => !isOlder(route)) : candles;
    if (early && known[0]) known[0].volume /= 2;
    await route.fulfill({ response, json: { ...rest, candles: known } });
  });
  await open('/markets/BTC?interval=1d');
  early = false;
  const bars = async () => (await readBars(page, 800)).length;
  await expect.poll(bars, { timeout: 30_000 }).toBeGreaterThan(700);
  await expectRestsBars(page, at.server.url, { interval: '1d', count: 800 });
});

/** @param {import('playwright-core').Route} route */
const isOlder = (route) => route.request().url().includes('before=');

it.each(INTERVALS)(
  'loads older candles of %s as one scrolls back, without a jump, until there are none',
  async (interval) => {
    await open('/markets/BTC');
    /** @type {(() => void)[]} Questions for older candles that are held back. */
    const held = [];
    let answered = 0;
    await page.route('**/api/market/candles?*before=*', async (route) => {
      await new Promise((resolve) => held.push(() => resolve(undefined)));
      await route.fulfill({ response: await route.fetch() });
      answered += 1;
    });
    await chooseInterval(page, interval);
    await page.locator(`.chart-canvas[aria-label^="BTC candles of ${interval}"]`).waitFor();
    await page.locator('.legend time').waitFor();
    const oldest = (await oldestBar(at.server.url, 'BTC', interval)).time;
    let first = await scrollToFirst();
    for (let pages = 1; first > oldest; pages += 1) {
      await expect.poll(() => held.length).toBe(1);
      const places = async () => [await timeAt(page, 200), await timeAt(page, 600)];
      const before = await places();
      held.pop()?.();
      await expect.poll(() => answered).toBe(pages);
      // Drawn with the next frame.
      await page.waitForTimeout(300);
      // To a bar: bands that reach further make the price scale's labels, and so the scale, wider.
      const moved = (await places()).map((time, at) => Math.abs(time - before[at]));
      expect(Math.max(...moved)).toBeLessThanOrEqual(spanOf(interval));
      const further = await scrollToFirst();
      expect(further).toBeLessThan(first);
      first = further;
    }
    expect(first).toBe(oldest);
    await expectRestsBars(page, at.server.url, { interval, count: 1_400 });
  },
);
