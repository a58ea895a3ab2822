import { afterEach, beforeEach, expect, it } from 'vitest';
import { WebSocketService } from '@/lib/websocket.js';
import { live, logIn, offline, signIn } from './browser.js';
import { Cable } from './cable.js';
import { SMALL_MARKET } from './server.js';
import { served } from './served.js';

const SOON = { reconnectionDelay: 100, reconnectionDelayMax: 1000, reconnectionAttempts: 1000 };

/** It says something to everybody five times a second, and of each symbol now and then. */
const at = served({
  SYMBOLS: SMALL_MARKET.SYMBOLS,
  SENTIMENT_INTERVAL: '0.2',
  SIGNAL_INTERVAL: '0.2',
  SIGNAL_TIMEFRAME: '1m',
});

/** @type {Cable} */
let cable;
/** @type {WebSocketService[]} */
const services = [];

beforeEach(async () => {
  cable = await new Cable(at.server.port).start();
});

afterEach(async () => {
  for (const service of services.splice(0)) service.disconnect();
  await cable?.stop();
});

const allSymbols = async () => {
  const response = await fetch(`${at.server.url}/api/market/symbols`);
  /** @type {{ symbols: { symbol: string }[] }} */
  const { symbols } = await response.json();
  return symbols.map(({ symbol }) => symbol);
};

const dailyIndex = async () => {
  const response = await fetch(`${at.server.url}/api/sentiment`);
  /** @type {{ daily: object | null }} */
  const { daily } = await response.json();
  return daily;
};

/**
 * What an application hears that listens to all symbols.
 * @param {string} url
 */
async function listener(url) {
  const heard = {
    said: /** @type {{ offset: number, symbol?: string }[]} */ ([]),
    resumed: /** @type {{ recovered: boolean }[]} */ ([]),
    confirmed: /** @type {{ offset: number }[]} */ ([]),
    quotes: /** @type {object[]} */ ([]),
  };
  const service = new WebSocketService();
  services.push(service);
  service.on('trading_signal', (signal) => heard.said.push(signal));
  service.on('sentiment_update', (sentiment) => heard.said.push(sentiment));
  service.on('resumed', (event) => heard.resumed.push(event));
  service.on('subscription_confirmed', (confirmation) => heard.confirmed.push(confirmation));
  service.on('market_update', (quotes) => heard.quotes.push(quotes));
  service.subscribe(await allSymbols());
  service.connect(url, { ...SOON, auth: { token: await logIn(at.server.url, 'ada') } });
  await expect.poll(() => heard.confirmed.length).toBe(1);
  return heard;
}

/** @typedef {Awaited<ReturnType<typeof listener>>} Heard */

/** @param {Heard} heard */
const lastOffset = ({ said }) => Math.max(...said.map(({ offset }) => offset));

/**
 * Until so much more was said. Signals are among it as often as a level or reason changes, and each
 * minute; the tests of the server have them in every gap.
 * @param {Heard} heard
 * @param {number} count
 */
async function more(heard, count) {
  const before = heard.said.length;
  await expect.poll(() => heard.said.length).toBeGreaterThanOrEqual(before + count);
}

/** @type {[string, (cable: Cable) => void][]} */
const LOSSES = [
  ['is cut', (cable) => cable.pull()],
  ['falls silent, as after sleep', (cable) => cable.fallSilent()],
];

it.each(LOSSES)('gives each signal and sentiment once when the line %s', async (_, lose) => {
  const witness = await listener(at.server.url);
  const client = await listener(cable.url);
  for (let loss = 1; loss <= 2; loss += 1) {
    await more(client, 5);
    lose(cable);
    await more(witness, 10);
    cable.plugIn();
    await expect.poll(() => client.resumed.length).toBe(loss);
  }
  await more(client, 5);
  const [from, to] = [client.confirmed[0].offset, lastOffset(client)];
  await expect.poll(() => lastOffset(witness)).toBeGreaterThanOrEqual(to);
  const between = (/** @type {Heard} */ { said }) =>
    said.filter(({ offset }) => from < offset && offset <= to);
  expect(between(client)).toEqual(between(witness));
  expect(client.resumed).toEqual([{ recovered: true }, { recovered: true }]);
});

it('is whole again after a restart of the server, and says that something may be missed', async () => {
  const symbols = await allSymbols();
  const client = await listener(at.server.url);
  await at.server.kill('SIGTERM');
  client.said.length = client.quotes.length = 0;
  await at.server.start();
  await expect.poll(() => client.resumed).toEqual([{ recovered: false }]);
  await expect.poll(() => client.quotes.map(Object.keys)).toContainEqual(symbols);
  await expect
    .poll(() => new Set(client.said.map(({ symbol }) => symbol)))
    .toEqual(new Set([undefined, ...symbols]));
  await more(client, 5);
  const offsets = client.said.map(({ offset }) => offset);
  expect(offsets).toHaveLength(new Set(offsets).size);
});

it('shows on the page what was missed, and loads the past only when it is not known', async () => {
  const context = await at.browser.newContext();
  const page = await context.newPage();
  const witness = await listener(at.server.url);
  // Until there is one the page asks for it now and then.
  await expect.poll(dailyIndex, { timeout: 30_000 }).not.toBeNull();
  await signIn(page, cable.url, 'ada');
  await page.goto(cable.url);
  await live(page);
  await page.locator('[data-signal]').first().waitFor();
  const asked = /** @type {string[]} */ ([]);
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (/^\/api\/(signals|sentiment)$/.test(pathname)) asked.push(pathname);
  });

  cable.pull();
  await offline(page);
  const before = witness.said.length;
  await more(witness, 10);
  const missed = witness.said.slice(before).filter(({ symbol }) => symbol !== undefined);
  cable.plugIn();
  await live(page);
  for (const { id } of /** @type {{ id: string }[]} */ (/** @type {unknown} */ (missed))) {
    await page.locator(`[data-signal="${id}"]`).waitFor();
  }
  expect(asked).toEqual([]);

  await at.server.kill();
  await offline(page);
  await at.server.start();
  await live(page);
  await expect.poll(() => [...asked].sort()).toEqual(['/api/sentiment', '/api/signals']);
  await context.close();
});
