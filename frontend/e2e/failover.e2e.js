import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { violations } from './axe.js';
import { register, signIn } from './browser.js';
import { expectRestsBars } from './chartReading.js';
import { Exchange } from './exchange.js';
import { connectBrowser } from './served.js';
import { Server } from './server.js';
import { setHidden } from './visibility.js';

const [binance, kraken] = [
  new Exchange({ name: 'binance', seed: 1 }),
  new Exchange({ name: 'kraken', seed: 2 }),
];
/** @type {Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

beforeAll(async () => {
  server = await new Server({
    MARKET_FEED: 'binance,kraken',
    SYMBOLS: 'BTC,ETH,ADA',
    ...(await binance.start()),
    ...(await kraken.start()),
  }).start();
  browser = await connectBrowser();
  await register(server.url, 'ada');
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  await Promise.all([binance.kill(), kraken.kill()]);
});

/** A page with the chart of BTC, what it asks for, and how often it was loaded. */
async function open() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await signIn(page, server.url, 'ada');
  await page.goto(`${server.url}/markets/BTC`);
  await page.locator('.source-badge', { hasText: 'Binance' }).waitFor();
  await page.locator('.book-top').waitFor();
  await page.locator('.legend time').waitFor();
  const asked = /** @type {string[]} */ ([]);
  page.on('request', (request) => asked.push(new URL(request.url()).pathname));
  return { page, asked };
}

/** @param {import('playwright-core').Page} page */
async function expectKraken(page) {
  await page.locator('.source-badge', { hasText: 'Kraken' }).waitFor({ timeout: 60_000 });
  await page.locator('.feed-strip', { hasText: /Kraken in place of Binance since \d/ }).waitFor();
  await expect.poll(() => page.locator('.stale-badge').count()).toBe(0);
  // The chart asks for the candles of the other one when it is told of it.
  await vi.waitFor(() => expectRestsBars(page, server.url), { timeout: 30_000, interval: 500 });
}

it('goes over to another exchange by itself, looked at or hidden, and says so', async () => {
  const seen = await open();
  const hidden = await open();
  const binances = await expectRestsBars(seen.page, server.url);
  expect(await seen.page.locator('.feed-strip').textContent()).not.toContain('in place of');
  // Of two days of minutes only the shortest timeframes can be rated.
  await seen.page.getByRole('button', { name: /^4h/ }).click();
  await seen.page.getByText('not enough candles of 4h yet').waitFor();

  await setHidden(hidden.page, true);
  hidden.asked.length = 0;
  seen.asked.length = 0;
  await binance.kill();

  await expectKraken(seen.page);
  const krakens = await expectRestsBars(seen.page, server.url);
  expect(krakens.slice(0, 50)).not.toEqual(binances.slice(0, 50));
  // A navigation would be among them.
  expect(new Set(seen.asked)).toEqual(
    new Set(['/api/market/symbols', '/api/market/candles', '/api/ratings', '/api/signals']),
  );
  expect(await violations(seen.page)).toEqual([]);

  expect(hidden.asked).toEqual([]);
  await setHidden(hidden.page, false);
  await expectKraken(hidden.page);
});
