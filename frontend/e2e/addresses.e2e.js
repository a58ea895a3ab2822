import { afterEach, beforeEach, expect, it } from 'vitest';
import { chooseInterval, live, PASSWORD, signIn, watchForTrouble } from './browser.js';
import { served } from './served.js';

const at = served();

/** @type {import('playwright-core').BrowserContext} */
let context;
/** @type {import('playwright-core').Page} */
let page;
/** @type {string[]} */
let trouble;

beforeEach(async () => {
  context = await at.browser.newContext({ viewport: { width: 1280, height: 600 } });
  page = await context.newPage();
  trouble = watchForTrouble(page);
});

afterEach(async () => {
  await context.close();
  expect(trouble).toEqual([]);
});

/** @param {string} path */
const open = (path) => page.goto(at.server.url + path);

/**
 * Until a chart of these is shown.
 * @param {string} symbol
 * @param {string} interval
 * @param {import('playwright-core').Page} [where]
 */
async function shows(symbol, interval, where = page) {
  const path = interval === '1m' ? `/markets/${symbol}` : `/markets/${symbol}?interval=${interval}`;
  await where.locator(`.chart-canvas[aria-label^="${symbol} candles of ${interval}."]`).waitFor();
  expect(where.url()).toBe(at.server.url + path);
  expect(await where.getByRole('radio', { name: interval, exact: true }).isChecked()).toBe(true);
}

async function fillIn() {
  await page.getByLabel('Username').fill('ada');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.keyboard.press('Enter');
}

it('leads through signing in to what the address names', async () => {
  await open('/markets/SOL?interval=1h');
  await page.getByRole('link', { name: 'Create one' }).click();
  await page.getByRole('link', { name: 'Sign in' }).last().click();
  await fillIn();
  await shows('SOL', '1h');
  await page.reload();
  await shows('SOL', '1h');
});

it('leads from looking around through signing in to the same chart', async () => {
  await open('/');
  await page.getByRole('button', { name: 'Look around' }).click();
  await page.getByRole('link', { name: 'Markets' }).click();
  await page.locator('tr[data-row="ETH"]').click();
  await chooseInterval(page, '4h');
  await shows('ETH', '4h');
  await page.getByRole('link', { name: 'Sign in' }).click();
  await fillIn();
  await shows('ETH', '4h');
});

it('goes back and forward', async () => {
  await signIn(page, at.server.url, 'ada');
  await open('/markets/SOL');
  await shows('SOL', '1m');
  await chooseInterval(page, '1h');
  await shows('SOL', '1h');
  await page.locator('tr[data-row="ETH"]').click();
  await shows('ETH', '1h');
  await page.goBack();
  await shows('SOL', '1h');
  await page.goBack();
  await shows('SOL', '1m');
  await page.goForward();
  await shows('SOL', '1h');
});

it('takes a symbol in lower case, and no interval that there is not', async () => {
  await signIn(page, at.server.url, 'ada');
  await open('/markets/btc?interval=1h');
  await shows('BTC', '1h');
  await open('/markets/BTC?interval=7m');
  await page.locator('.chart-canvas[aria-label^="BTC candles of 1m."]').waitFor();
});

it('lets two tabs differ', async () => {
  await signIn(page, at.server.url, 'ada');
  await open('/markets/BTC?interval=1h');
  await shows('BTC', '1h');
  const second = await context.newPage();
  await second.goto(`${at.server.url}/markets/ETH`);
  await shows('ETH', '1m', second);
  await chooseInterval(second, '4h');
  await shows('ETH', '4h', second);
  await shows('BTC', '1h');
  await page.reload();
  await shows('BTC', '1h');
});

it('has symbol and price on the tab, also while it is hidden', async () => {
  await signIn(page, at.server.url, 'ada');
  await expect.poll(() => page.title()).toBe('Overview · CRS');
  await open('/markets/BTC');
  await live(page);
  await expect.poll(() => page.title()).toMatch(/^BTC [\d,]+\.\d\d · CRS$/);
  await page.locator('tr[data-row="ETH"]').click();
  await expect.poll(() => page.title()).toMatch(/^ETH [\d,.]+ · CRS$/);
  await page.evaluate(() => {
    Object.defineProperty(document, 'hidden', { configurable: true, get: () => true });
    document.dispatchEvent(new Event('visibilitychange'));
  });
  await page.waitForTimeout(500);
  const before = await page.title();
  await expect.poll(() => page.title(), { timeout: 20_000 }).not.toBe(before);
  expect(await page.title()).toMatch(/^ETH [\d,.]+ · CRS$/);
});

it('has no price on the tab that may be another by now', async () => {
  await signIn(page, at.server.url, 'ada');
  await open('/markets/BTC');
  await expect.poll(() => page.title()).toMatch(/^BTC \d/);
  await at.server.kill();
  await expect.poll(() => page.title()).toBe('BTC · CRS');
  await at.server.start();
  await expect.poll(() => page.title(), { timeout: 30_000 }).toMatch(/^BTC \d/);
  trouble.length = 0;
});

it('has the selected row in view', async () => {
  await signIn(page, at.server.url, 'ada');
  await open('/markets');
  await page.locator('tbody tr[data-row]').nth(19).waitFor();
  // The last by volume, so out of sight.
  await page.waitForTimeout(3000);
  const last = (await page.locator('tbody tr[data-row]').last().getAttribute('data-row')) ?? '';
  const row = page.locator(`tr[data-row="${last}"]`);
  await open(`/markets/${last}`);
  await live(page);
  await row.locator('.live-price').waitFor();
  await page.waitForTimeout(2500);
  const box = /** @type {any} */ (await row.boundingBox());
  const list = /** @type {any} */ (await page.locator('.market-scroll').boundingBox());
  expect(box.y).toBeGreaterThan(list.y + 30);
  expect(box.y + box.height).toBeLessThanOrEqual(list.y + list.height);
});
