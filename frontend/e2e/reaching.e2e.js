import { describe, expect, it } from 'vitest';
import { live, signIn } from './browser.js';
import { readBars, restBars, timeAt } from './chartReading.js';
import { SMALL_MARKET } from './server.js';
import { served } from './served.js';

const MINUTE = 60_000;
const PHONE = { viewport: { width: 360, height: 560 }, hasTouch: true, isMobile: true };

const at = served(SMALL_MARKET);

/**
 * @param {import('playwright-core').BrowserContextOptions} options
 * @param {string} path
 */
async function open(options, path) {
  const context = await at.browser.newContext(options);
  const page = await context.newPage();
  await signIn(page, at.server.url, 'ada');
  await page.goto(at.server.url + path);
  await live(page);
  return page;
}

async function openChart() {
  const page = await open({ viewport: { width: 1440, height: 900 } }, '/markets/BTC');
  await page.locator('.legend time').waitFor();
  return page;
}

/** @param {import('playwright-core').Page} page */
const focused = (page) =>
  page.evaluate(() => document.activeElement?.className || document.activeElement?.textContent);

/** @param {import('playwright-core').Page} page */
const readTime = async (page) =>
  Date.parse((await page.locator('.legend time').getAttribute('datetime')) ?? '');

describe('the chart by keyboard', () => {
  it('is three stops from the top at the most', async () => {
    const page = await openChart();
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await focused(page)).toBe('chart-canvas');
    await page.context().close();
  });

  it('reads on beyond the edge of what is in view', async () => {
    const page = await openChart();
    const edge = await timeAt(page, 10);
    await page.locator('.chart-canvas').focus();
    for (let press = 0; press < 150; press += 1) await page.keyboard.press('ArrowLeft');
    const read = await readTime(page);
    expect(read).toBeLessThan(edge - 20 * MINUTE);
    await page.keyboard.press('Escape');
    // It was brought into view, which takes a frame.
    await expect.poll(() => timeAt(page, 10)).toBeLessThanOrEqual(read);
    await page.context().close();
  });

  it('goes to the first candle and the last', async () => {
    const page = await openChart();
    await page.locator('.chart-canvas').focus();
    await page.keyboard.press('Home');
    const first = await readTime(page);
    const told = await restBars(at.server.url, 'BTC', '1m');
    expect(first).toBeLessThanOrEqual(told[told.length - 500].time);
    await page.getByRole('button', { name: 'To now' }).waitFor();
    await page.keyboard.press('End');
    expect((await readTime(page)) - told[told.length - 1].time).toBeLessThanOrEqual(MINUTE);
    await expect.poll(() => page.getByRole('button', { name: 'To now' }).count()).toBe(0);
    await page.context().close();
  });

  it('zooms', async () => {
    const page = await openChart();
    const span = async () => (await timeAt(page, 500)) - (await timeAt(page, 10));
    const before = await span();
    await page.locator('.chart-canvas').focus();
    await page.keyboard.press('+');
    await page.keyboard.press('+');
    await expect.poll(span).toBeLessThan(0.8 * before);
    for (let press = 0; press < 4; press += 1) await page.keyboard.press('-');
    await expect.poll(span).toBeGreaterThan(1.2 * before);
    await page.context().close();
  });

  it('reads first what is in view', async () => {
    const page = await openChart();
    await page.locator('.chart-canvas').focus();
    await page.keyboard.press('Home');
    await page.keyboard.press('Escape');
    await page.keyboard.press('ArrowLeft');
    const [newest] = (await restBars(at.server.url, 'BTC', '1m')).slice(-1);
    expect(await readTime(page)).toBeLessThan(newest.time - 200 * MINUTE);
    expect((await readBars(page, 1))[0].time).toBeGreaterThanOrEqual(newest.time);
    await page.context().close();
  });
});

/**
 * A finger on the chart.
 * @param {import('playwright-core').Page} page
 * @param {{ from: number, x?: number, y?: number }} way Where it begins, as a share of the chart's
 *   width; how far it goes, in pixels.
 */
async function swipe(page, { from, x = 0, y = 0 }) {
  await page.locator('.chart-canvas').scrollIntoViewIfNeeded();
  const box = await page.locator('.chart-canvas').boundingBox();
  if (!box) throw new Error('There is no chart');
  const begin = { x: box.x + from * box.width, y: box.y + box.height / 2 };
  const devtools = await page.context().newCDPSession(page);
  /** @param {'touchStart' | 'touchMove' | 'touchEnd'} type @param {number} [share] */
  const touch = (type, share) =>
    devtools.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: share === undefined ? [] : [{ x: begin.x + share * x, y: begin.y + share * y }],
    });
  await touch('touchStart', 0);
  for (let step = 1; step <= 10; step += 1) await touch('touchMove', step / 10);
  await touch('touchEnd');
}

describe('on a phone', () => {
  it.each([
    ['the candles', 0.3],
    ['the prices', 0.95],
  ])('a swipe down over %s moves the page', async (_, from) => {
    const page = await open(PHONE, '/markets/BTC');
    await page.locator('.legend time').waitFor();
    await page.locator('.chart-canvas').scrollIntoViewIfNeeded();
    const scrolled = () => page.evaluate(() => window.scrollY);
    const before = await scrolled();
    await swipe(page, { from, y: 80 });
    await expect.poll(scrolled).toBeLessThan(before - 30);
    await page.context().close();
  });

  it('a swipe to the side moves the candles', async () => {
    const page = await open(PHONE, '/markets/BTC');
    await page.locator('.legend time').waitFor();
    await swipe(page, { from: 0.2, x: 150 });
    await page.getByRole('button', { name: 'To now' }).waitFor();
    await page.context().close();
  });

  it('the table is sorted by a column that is shown', async () => {
    const page = await open(PHONE, '/markets');
    await page.locator('tr[data-row="BTC"] .live-price').waitFor();
    const sorted = page.locator('th[aria-sort]');
    await expect.poll(() => sorted.count()).toBe(1);
    expect(await sorted.isVisible()).toBe(true);
    expect(await sorted.textContent()).toContain('24 h');
    await page.setViewportSize({ width: 1600, height: 900 });
    await expect.poll(() => sorted.textContent()).toContain('Volume');
    await page.context().close();
  });
});
