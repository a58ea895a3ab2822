import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { violations } from './axe.js';
import { chooseInterval, launchBrowser, live, offline, register, signIn } from './browser.js';
import { spanOf } from '../src/features/market/chart/intervals.js';
import { Cable } from './cable.js';
import { expectRestsBars, oldestBar, readBars, restBars, timeAt } from './chartReading.js';
import { writeRecording } from './replayFile.js';
import { Server } from './server.js';
import { setHidden } from './visibility.js';

const MINUTE = 60_000;
const INTERVALS = ['1m', '5m', '15m', '1h', '4h', '1d'];

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {string} */
let directory;
/** @type {Server} */
let server;
/** @type {Cable} */
let cable;
/** @type {import('playwright-core').BrowserContext} */
let context;

beforeAll(async () => {
  browser = await launchBrowser();
  directory = mkdtempSync(join(tmpdir(), 'crs-recording-'));
  writeRecording(join(directory, 'made-up.txt'), ['BTC', 'ETH']);
});

afterAll(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true, force: true });
});

afterEach(async () => {
  await context?.close();
  await cable?.stop();
  await server?.stop();
});

/** @param {number} speed */
const openReplay = (speed) =>
  open({
    MARKET_FEED: `replay:${directory}`,
    REPLAY_SPEED: String(speed),
    SYMBOLS: 'BTC,ETH',
  });

/**
 * The chart of BTC, by a cable.
 * @param {Record<string, string>} [env]
 */
async function open(env) {
  server = await new Server(env).start();
  cable = await new Cable(server.port).start();
  await register(server.url, 'ada');
  context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const asked = /** @type {string[]} */ ([]);
  page.on('request', (request) => {
    if (request.url().includes('/api/market/candles?symbol=BTC&interval=1m')) {
      asked.push(request.url());
    }
  });
  await signIn(page, cable.url, 'ada');
  await page.goto(`${cable.url}/markets/BTC`);
  await live(page);
  await page.locator('.legend time').waitFor();
  return { page, asked };
}

/** @param {import('playwright-core').Page} page */
const newestTime = async (page) => (await readBars(page, 1))[0].time;

/**
 * Until the chart has come as far as the server is now.
 * @param {import('playwright-core').Page} page
 */
async function caughtUp(page) {
  const now = (await restBars(server.url, 'BTC', '1m')).at(-1)?.time ?? Infinity;
  await expect.poll(() => newestTime(page), { timeout: 20_000 }).toBeGreaterThanOrEqual(now);
}

describe('every closed bar on the chart is REST’s', () => {
  it.each([60, 600])('in a replay at %i times the pace', async (speed) => {
    const { page } = await openReplay(speed);
    for (let round = 0; round < 4; round += 1) {
      await page.waitForTimeout(4000);
      await expectRestsBars(page, server.url);
    }
    await caughtUp(page);
  });

  it('after the tab was hidden for minutes', async () => {
    const { page } = await openReplay(60);
    const before = await newestTime(page);
    await setHidden(page, true);
    await page.waitForTimeout(12_000);
    await setHidden(page, false);
    await caughtUp(page);
    expect(await newestTime(page)).toBeGreaterThan(before + 9 * MINUTE);
    await expectRestsBars(page, server.url);
  });

  it('after the machine slept', async () => {
    const { page } = await openReplay(60);
    const before = await newestTime(page);
    const devtools = await context.newCDPSession(page);
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    await devtools.send('Page.setWebLifecycleState', { state: 'active' });
    await caughtUp(page);
    expect(await newestTime(page)).toBeGreaterThan(before + 9 * MINUTE);
    await expectRestsBars(page, server.url);
  });

  it('after the connection was cut', async () => {
    const { page } = await openReplay(60);
    const before = await newestTime(page);
    cable.pull();
    await offline(page);
    await page.waitForTimeout(10_000);
    cable.plugIn();
    await live(page);
    await caughtUp(page);
    expect(await newestTime(page)).toBeGreaterThan(before + 9 * MINUTE);
    await expectRestsBars(page, server.url);
  });

  it('after the server was started anew, on an earlier clock', async () => {
    const { page } = await openReplay(600);
    await page.waitForTimeout(10_000);
    const before = await newestTime(page);
    await server.kill();
    await offline(page);
    await server.start();
    await live(page);
    await expect.poll(() => newestTime(page), { timeout: 20_000 }).toBeLessThan(before);
    await expectRestsBars(page, server.url);
    await caughtUp(page);
  });

  it('after quick switches of symbol and interval', async () => {
    const { page } = await openReplay(60);
    for (const [symbol, interval] of [
      ['ETH', '5m'],
      ['BTC', '1h'],
      ['ETH', '1m'],
      ['BTC', '5m'],
      ['ETH', '1m'],
    ]) {
      await page.locator(`tr[data-row="${symbol}"]`).click();
      await chooseInterval(page, interval);
    }
    await page.locator('.legend time').waitFor();
    await expectRestsBars(page, server.url, { symbol: 'ETH' });
    await chooseInterval(page, '5m');
    await page.locator('.chart-canvas[aria-label^="ETH candles of 5m"]').waitFor();
    await page.locator('.legend time').waitFor();
    await expectRestsBars(page, server.url, { symbol: 'ETH', interval: '5m' });
  });
});

it('asks for the history once at a page load, and then lives on what the stream says', async () => {
  const { page, asked } = await openReplay(60);
  await page.waitForTimeout(4000);
  expect(asked.filter((url) => url.endsWith('limit=500'))).toHaveLength(1);
  const before = await newestTime(page);
  asked.length = 0;
  await page.waitForTimeout(15_000);
  expect(asked).toEqual([]);
  expect(await newestTime(page)).toBeGreaterThan(before + 9 * MINUTE);
  await expectRestsBars(page, server.url);
});

/** @param {import('playwright-core').Page} page */
async function scrollBack(page) {
  const box = /** @type {any} */ (await page.locator('.chart-canvas').boundingBox());
  await page.mouse.move(box.x + 200, box.y + 150);
  await page.mouse.wheel(0, 300);
  await page.mouse.down();
  await page.mouse.move(box.x + 450, box.y + 150, { steps: 5 });
  await page.mouse.up();
  // A drag rolls out.
  await page.waitForTimeout(1500);
}

it('keeps candles, place and zoom through a lost connection, and marks them stale', async () => {
  const { page } = await openReplay(20);
  await scrollBack(page);
  const places = async () => [await timeAt(page, 10), await timeAt(page, 300)];
  const before = await places();
  cable.pull();
  await offline(page);
  await page.locator('.chart-stale').waitFor();
  expect(await page.locator('.chart-stale').textContent()).toMatch(/connection lost at \d/);
  await page.waitForTimeout(8000);
  expect(await places()).toEqual(before);
  expect(await violations(page)).toEqual([]);
  cable.plugIn();
  await live(page);
  await page.locator('.chart-stale').waitFor({ state: 'detached' });
  await page.waitForTimeout(4000);
  expect(await places()).toEqual(before);
});

/**
 * Scroll to the first candle that is loaded.
 * @param {import('playwright-core').Page} page
 * @returns {Promise<number>} Its opening, epoch in ms.
 */
async function scrollToFirst(page) {
  await page.locator('.chart-canvas').press('Home');
  const first = await page.locator('.legend time').getAttribute('datetime');
  await page.locator('.chart-canvas').press('Escape');
  return Date.parse(first ?? '');
}

/** The simulated market's years are there a moment after its first start. */
function pastIsThere() {
  const days = async () => (await restBars(server.url, 'BTC', '1d')).length;
  return expect.poll(days, { timeout: 30_000 }).toBeGreaterThan(700);
}

it('has the years behind it also where it was opened before they were loaded', async () => {
  server = await new Server().start();
  await register(server.url, 'ada');
  context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  // As in the first seconds of a server that asks an exchange: a week, the first day a part of it.
  let early = true;
  await page.route('**/api/market/candles?*interval=1d*', async (route) => {
    const response = await route.fetch();
    const { candles, ...rest } = await response.json();
    const known = early ? candles.slice(-7).filter(() => !isOlder(route)) : candles;
    if (early && known[0]) known[0].volume /= 2;
    await route.fulfill({ response, json: { ...rest, candles: known } });
  });
  await signIn(page, server.url, 'ada');
  await page.goto(`${server.url}/markets/BTC?interval=1d`);
  await live(page);
  await page.locator('.legend time').waitFor();
  await pastIsThere();
  early = false;
  const bars = async () => (await readBars(page, 800)).length;
  await expect.poll(bars, { timeout: 30_000 }).toBeGreaterThan(700);
  await expectRestsBars(page, server.url, { interval: '1d', count: 800 });
});

/** @param {import('playwright-core').Route} route */
const isOlder = (route) => route.request().url().includes('before=');

it.each(INTERVALS)(
  'loads older candles of %s as one scrolls back, without a jump, until there are none',
  async (interval) => {
    const { page } = await open();
    await pastIsThere();
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
    const oldest = (await oldestBar(server.url, 'BTC', interval)).time;
    let first = await scrollToFirst(page);
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
      const further = await scrollToFirst(page);
      expect(further).toBeLessThan(first);
      first = further;
    }
    expect(first).toBe(oldest);
    await expectRestsBars(page, server.url, { interval, count: 1_400 });
  },
);

it('has a way back to now', async () => {
  const { page } = await openReplay(20);
  const toNow = page.getByRole('button', { name: 'To now' });
  expect(await toNow.count()).toBe(0);
  await scrollBack(page);
  await toNow.click();
  await expect.poll(() => toNow.count()).toBe(0);
  const box = /** @type {any} */ (await page.locator('.chart-canvas').boundingBox());
  const seen = await timeAt(page, box.width - 110);
  expect((await newestTime(page)) - seen).toBeLessThan(15 * MINUTE);
});

it('keeps what its panels knew through a lost connection, and marks them stale', async () => {
  const { page } = await open();
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.locator('.forecast tbody tr').first().waitFor();
  await page.locator('.history').first().waitFor();
  await page.getByRole('link', { name: 'Markets' }).click();
  cable.pull();
  await offline(page);
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.waitForTimeout(1500);
  expect(await page.locator('.forecast tbody tr').count()).toBeGreaterThan(0);
  expect(await page.locator('.history').count()).toBeGreaterThan(0);
  const cards = await page.locator('.card').count();
  expect(await page.locator('.card-stale').count()).toBe(cards);
  expect(await violations(page)).toEqual([]);
  cable.plugIn();
  await live(page);
  await page.locator('.card-stale').first().waitFor({ state: 'detached' });
});
