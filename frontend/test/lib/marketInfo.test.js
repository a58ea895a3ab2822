// @vitest-environment jsdom
import { beforeEach, expect, it, vi } from 'vitest';
import { getSymbols } from '@/lib/api.js';
import { marketInfo, noteFeedStatus } from '@/lib/marketInfo.js';

vi.mock('@/lib/api.js', () => ({ getSymbols: vi.fn() }));

const STATUS = /** @type {import('@/lib/types.js').FeedStatus} */ ({ state: 'live' });

/** @param {string} feed */
const say = (feed) =>
  noteFeedStatus({
    status: 'feed_changed',
    message: '',
    timestamp: '2026-11-23T10:00:00.000Z',
    feed,
    feed_status: STATUS,
  });

beforeEach(() => {
  vi.useFakeTimers();
  marketInfo.setState({ ...marketInfo.getInitialState() });
  vi.mocked(getSymbols).mockImplementation(async () => ({
    symbols: [{ symbol: 'BTC', price_decimals: 2, day_span_seconds: 60 }],
    feed: marketInfo.getState().feed ?? undefined,
    feed_status: STATUS,
  }));
  return () => vi.useRealTimers();
});

it('takes the first source for no change', () => {
  say('binance');
  say('binance');
  expect(marketInfo.getState()).toMatchObject({ feed: 'binance', sourceChange: null });
  expect(getSymbols).not.toHaveBeenCalled();
});

it('knows which source another has taken the place of, and since when', () => {
  say('binance');
  vi.setSystemTime(1_000_000);
  say('kraken');
  const change = { from: 'binance', to: 'kraken', at: 1_000_000 };
  expect(marketInfo.getState().sourceChange).toEqual(change);
  vi.setSystemTime(2_000_000);
  say('kraken');
  expect(marketInfo.getState().sourceChange).toEqual(change);
});

it('asks at once what the new source’s figures stand for', async () => {
  say('binance');
  say('kraken');
  await vi.advanceTimersByTimeAsync(0);
  expect(marketInfo.getState().bySymbol.BTC.day_span_seconds).toBe(60);
});
