import { afterAll, beforeAll, expect, it } from 'vitest';
import { chooseInterval, register, signIn } from './browser.js';
import { makeRecording } from './recording.js';
import { connectBrowser } from './served.js';
import { Server } from './server.js';

const MINUTES = 75;

/** @type {ReturnType<typeof makeRecording>} */
let recording;
/** @type {Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;
/** @type {import('playwright-core').Page} */
let page;

beforeAll(async () => {
  recording = makeRecording({ BTC: 64000, ETH: 2700, ADA: 0.45 }, { minutes: MINUTES });
  server = await new Server({
    MARKET_FEED: `replay:${recording.path}`,
    REPLAY_SPEED: '100000',
    SYMBOLS: 'BTC,ETH,ADA',
    SIGNAL_TIMEFRAME: '1m',
  }).start();
  browser = await connectBrowser();
  await register(server.url, 'ada');
  page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await signIn(page, server.url, 'ada');
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  recording?.remove();
});

it('says how much of 24 hours a change stands for', async () => {
  await page.goto(`${server.url}/markets/BTC`);
  const span = `${MINUTES - 1} min`;
  await page.getByRole('columnheader', { name: span, exact: true }).waitFor();
  await page.locator('.detail-price', { hasText: span }).waitFor();
  await page.locator('.detail-facts', { hasText: `Volume ${span}, USD` }).waitFor();
  await page.goto(server.url);
  await page.locator('.breadth-card header', { hasText: span }).waitFor();
  expect(await page.getByText('24 h', { exact: true }).count()).toBe(1); // the forecast's horizon
});

it('lists what rose as risen and what fell as fallen, from the first price on', async () => {
  await page.goto(server.url);
  await page.locator('.movers').waitFor();
  const answer = await fetch(`${server.url}/api/market/quotes`);
  const { quotes } = await answer.json();
  const changes = Object.entries(quotes).map(([symbol, quote]) => [symbol, quote.change_24h]);
  for (const [title, rose] of [
    ['Up most', true],
    ['Down most', false],
  ]) {
    const list = page.locator('.movers section', { hasText: String(title) });
    const expected = changes
      .filter(([, change]) => (rose ? change > 0 : change < 0))
      .map(([symbol]) => symbol)
      .sort();
    await expect
      .poll(async () => (await list.locator('strong').allTextContents()).sort())
      .toEqual(expected);
  }
});

it('draws signals on the candles that they rate, and says so elsewhere', async () => {
  await page.goto(`${server.url}/markets/BTC`);
  const signals = page.getByRole('button', { name: 'Signals', exact: true });
  await chooseInterval(page, '1m');
  await expect.poll(() => signals.getAttribute('aria-pressed')).toBe('true');
  await chooseInterval(page, '1d');
  await expect.poll(() => signals.getAttribute('aria-pressed')).toBe('false');
  expect(await signals.getAttribute('title')).toContain('candles of 1m');
});
