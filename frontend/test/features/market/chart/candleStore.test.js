import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CandleStore } from '@/features/market/chart/candleStore.js';
import { OVERLAP } from '@/features/market/chart/candleSeries.js';
import { FakeServer, since } from './fakeServer.js';
import { bar, MINUTE } from './someBars.js';

const TAIL = OVERLAP + 1;

/** @type {FakeServer} */
let server;
/** @type {string[]} What was asked for, as `symbol interval count`. */
let asked;
/** @type {string[]} What the stream is to say, as `symbol interval`. */
let wishes;
let hidden = false;
/** Wall time beyond what timers have counted, as after sleep, in ms. */
let slept = 0;
/** @type {CandleStore} */
let store;
/** @type {(() => void)[]} */
let unbinds;

beforeEach(() => {
  vi.useFakeTimers();
  server = new FakeServer(600);
  asked = [];
  wishes = [];
  hidden = false;
  slept = 0;
  unbinds = [];
  const started = Date.now();
  store = new CandleStore({
    load(symbol, interval, count) {
      asked.push(`${symbol} ${interval} ${count}`);
      return server.load(count);
    },
    follow(symbol, interval) {
      const wish = `${symbol} ${interval}`;
      wishes.push(wish);
      return () => void wishes.splice(wishes.indexOf(wish), 1);
    },
    now: () => Date.now() - started,
    wallNow: () => Date.now() + slept,
    hidden: () => hidden,
  });
});

afterEach(() => {
  for (const unbind of unbinds) unbind();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

/**
 * @param {string} symbol
 * @param {string} interval
 */
async function bind(symbol, interval) {
  const onBars = vi.fn();
  unbinds.push(store.bind(symbol, interval, { onBars, onGrowth() {}, onState() {} }));
  await vi.advanceTimersByTimeAsync(0);
  return { bars: () => onBars.mock.lastCall?.[0] };
}

/** @param {number} minute */
const quotesAt = (minute, price = 10) => ({
  BTC: {
    symbol: 'BTC',
    price,
    change_24h: 0,
    volume_24h: 0,
    timestamp: new Date(minute * MINUTE).toISOString(),
  },
});

it('gives everybody the one series of a symbol and interval', async () => {
  await bind('BTC', '1m');
  const { bars } = await bind('BTC', '1m');
  await bind('BTC', '1h');
  await bind('ETH', '1m');
  expect(asked).toEqual(['BTC 1m 500', 'BTC 1h 500', 'ETH 1m 500']);
  expect(bars()).toHaveLength(500);
});

it('shows another source’s candles from its first price on', async () => {
  const { bars } = await bind('BTC', '1m');
  const { BTC } = quotesAt(599);
  store.takeQuotes({ BTC: { ...BTC, source: 'binance' } });
  server.bars = server.bars.map(({ time }) => bar(time / MINUTE, 11));
  store.takeQuotes({ BTC: { ...BTC, source: 'binance' } });
  await vi.advanceTimersByTimeAsync(0);
  expect(bars()[0].close).toBe(10);
  store.takeQuotes({ BTC: { ...BTC, price: 11, source: 'kraken' } });
  await vi.advanceTimersByTimeAsync(0);
  expect(bars()).toEqual(server.bars.slice(-500));
});

it('hands prices to the series of their symbol', async () => {
  const { bars } = await bind('BTC', '1m');
  const other = await bind('ETH', '1m');
  await vi.advanceTimersByTimeAsync(1000);
  server.close();
  store.takeQuotes(quotesAt(600));
  await vi.advanceTimersByTimeAsync(0);
  expect(asked.slice(2)).toEqual([`BTC 1m ${1 + TAIL}`]);
  expect(bars()).toEqual(server.bars.slice(-501));
  expect(other.bars()).toHaveLength(500);
});

it('asks at once after the machine slept, or the clock was set', async () => {
  const { bars } = await bind('BTC', '1m');
  for (const leap of [9 * MINUTE, -9 * MINUTE]) {
    slept += leap;
    server.close(9);
    await vi.advanceTimersByTimeAsync(1000);
    expect(bars()).toEqual(since(server, bars()));
  }
});

it('asks for nothing while hidden, and is right when told that it is shown', async () => {
  const { bars } = await bind('BTC', '1m');
  hidden = true;
  await vi.advanceTimersByTimeAsync(9 * MINUTE);
  expect(asked).toHaveLength(1);
  server.close(9);
  hidden = false;
  store.refresh();
  await vi.advanceTimersByTimeAsync(0);
  expect(bars()).toEqual(since(server, bars()));
});

it('shows each what it asked for, after quick switches', async () => {
  const rounds = ['1m', '1h', '1m', '1d', '1m', '1h'];
  for (const interval of rounds) {
    unbinds.push(store.bind('BTC', interval, { onBars() {}, onGrowth() {}, onState() {} }));
    unbinds.pop()?.();
  }
  const { bars } = await bind('BTC', '1h');
  expect(asked).toEqual(['BTC 1m 500', 'BTC 1h 500', 'BTC 1d 1500']);
  expect(bars()).toEqual(server.bars.slice(-500));
});

it('forgets the series that nobody has shown for longest', async () => {
  for (let each = 0; each < 12; each += 1) {
    await bind(`S${each}`, '1m');
    unbinds.pop()?.();
  }
  asked.length = 0;
  await bind('S11', '1m');
  await bind('S0', '1m');
  expect(asked).toEqual([`S11 1m ${TAIL}`, 'S0 1m 500']);
});

describe('what the stream says', () => {
  const update = (/** @type {number} */ minute, closed = false) => ({
    ...bar(minute, 11),
    symbol: 'BTC',
    interval: '1m',
    time: new Date(minute * MINUTE).toISOString(),
    quote_volume: 0,
    closed,
    revision: 1,
  });

  it('is wished while somebody looks', async () => {
    await bind('BTC', '1m');
    await bind('BTC', '1h');
    unbinds.pop()?.();
    expect(wishes).toEqual(['BTC 1m']);
  });

  it('counts from the confirmation on, until the connection is gone', async () => {
    const { bars } = await bind('BTC', '1m');
    store.takeCandle(update(599));
    store.takeConfirmation({ symbols: [], subscribed: ['BTC'], candles: ['1h'] });
    await vi.advanceTimersByTimeAsync(1000);
    expect(asked).toEqual(['BTC 1m 500']);
    store.takeConfirmation({ symbols: [], subscribed: ['BTC'], candles: ['1m'] });
    await vi.advanceTimersByTimeAsync(0);
    expect(asked).toEqual(['BTC 1m 500', `BTC 1m ${TAIL}`]);
    store.takeCandle(update(598, true));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(bars().at(-2)).toEqual(bar(598, 11));
    expect(asked).toHaveLength(2);
    store.lose();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked.length).toBeGreaterThan(3);
  });

  it('is asked for anew where it was interrupted in between', async () => {
    await bind('BTC', '1m');
    for (const candles of [['1m'], [], ['1m']]) {
      store.takeConfirmation({ symbols: [], subscribed: ['BTC'], candles });
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(asked).toHaveLength(3);
  });
});
