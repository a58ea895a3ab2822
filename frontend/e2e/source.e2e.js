import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { violations } from './axe.js';
import { register, signIn } from './browser.js';
import { makeRecording } from './recording.js';
import { connectBrowser } from './served.js';
import { SMALL_MARKET, Server } from './server.js';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Server} */
let server;
/** @type {ReturnType<typeof makeRecording> | undefined} */
let recording;

beforeAll(async () => {
  browser = await connectBrowser();
});

afterAll(() => browser?.close());

afterEach(async () => {
  await server?.stop();
  recording?.remove();
});

/**
 * The overview of a market.
 * @param {Record<string, string>} env
 */
async function open(env) {
  server = await new Server({ ...SMALL_MARKET, ...env }).start();
  await register(server.url, 'ada');
  const page = await (await browser.newContext()).newPage();
  await signIn(page, server.url, 'ada');
  await page.goto(server.url);
  return page;
}

/** @param {import('playwright-core').Page} page */
const indicator = (page) => page.locator('.connection-status strong');

/** @param {import('playwright-core').Page} page */
const strip = (page) => page.locator('.feed-strip');

it('says of a recording where it is, how fast, and when it will end', async () => {
  recording = makeRecording({ BTC: 64000, ETH: 2700 }, { minutes: 3000 });
  const page = await open({
    MARKET_FEED: `replay:${recording.path}`,
    REPLAY_SPEED: '600',
    SYMBOLS: 'BTC,ETH,GONE',
    SIGNAL_TIMEFRAME: '1m',
  });
  await page.getByText('Replay 600×').waitFor();
  await expect.poll(() => indicator(page).textContent()).toBe('Playing');
  await expect.poll(() => strip(page).textContent()).toMatch(/At Feb 1, 2021, \d+:\d\d AM/);
  await expect.poll(() => strip(page).textContent()).toContain('Ends at Feb 3, 2021, 2:00 AM');
  await expect.poll(() => strip(page).textContent()).toContain('No price yet: GONE');
  // Ages count from the recording's present: none is of years.
  await page.locator('.signals time, .sentiment-card time').first().waitFor({ timeout: 90_000 });
  const ages = await page.locator('main time').allTextContents();
  expect(ages.filter((age) => /\d{2,} d/.test(age))).toEqual([]);
});

it('says that a recording has ended, and since when', async () => {
  recording = makeRecording({ BTC: 64000 }, { minutes: 100 });
  const page = await open({
    MARKET_FEED: `replay:${recording.path}`,
    REPLAY_SPEED: '100000',
    SYMBOLS: 'BTC',
  });
  await expect.poll(() => indicator(page).textContent()).toBe('Ended');
  await expect
    .poll(() => strip(page).textContent())
    .toMatch(/Ended since .*: the recording is over/);
  await page.getByText('Ends at Feb 1, 2021, 1:40 AM').waitFor();
  expect(await violations(page)).toEqual([]);
});

it('never calls an exchange live that does not answer', async () => {
  const page = await open({
    MARKET_FEED: 'binance',
    BINANCE_WS_URL: 'ws://127.0.0.1:9',
    BINANCE_REST_URL: 'http://127.0.0.1:9',
  });
  await page.getByText('Binance', { exact: true }).waitFor();
  await expect.poll(() => indicator(page).textContent()).toBe('Connecting to the source');
  await expect.poll(() => strip(page).textContent()).toContain('No trade yet');
  expect(await page.locator('.connection-status.connected').count()).toBe(0);
});

it('says of a live market how old its last trade is', async () => {
  const page = await open({});
  await expect.poll(() => strip(page).textContent()).toMatch(/Live since .*Last trade now/);
  await expect.poll(() => strip(page).textContent()).toContain('A simulation, no real market');
});
