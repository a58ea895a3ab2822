import { describe, expect, it } from 'vitest';
import { growBar, mergeBars } from '@/features/market/bars.js';
import { openingOf } from '@/features/market/intervals.js';
import { matches, sortSymbols } from '@/features/market/tableOrder.js';

const MINUTE = 60_000;
const bar = (/** @type {number} */ minute, close = 10) => ({
  time: minute * MINUTE,
  open: 10,
  high: 12,
  low: 9,
  close,
  volume: 3,
});

describe('bars', () => {
  it('open on the grid of their interval', () => {
    expect(openingOf(7 * MINUTE + 5, '5m')).toBe(5 * MINUTE);
  });

  it('grow with the live price', () => {
    expect(growBar(bar(5), 13, 5 * MINUTE + 100, '1m')).toEqual({ ...bar(5), high: 13, close: 13 });
    expect(growBar(bar(5), 8, 5 * MINUTE + 100, '1m')).toEqual({ ...bar(5), low: 8, close: 8 });
  });

  it('begin anew when their time is over, and ignore what came before', () => {
    const next = { time: 6 * MINUTE, open: 11, high: 11, low: 11, close: 11, volume: 0 };
    expect(growBar(bar(5), 11, 6 * MINUTE, '1m')).toEqual(next);
    expect(growBar(bar(5), 11, 4 * MINUTE, '1m')).toBeNull();
  });

  it('are replaced by fresh ones of the same time', () => {
    expect(mergeBars([bar(1), bar(2), bar(3)], [bar(2, 20), bar(3, 30), bar(4, 40)])).toEqual([
      bar(1),
      bar(2, 20),
      bar(3, 30),
      bar(4, 40),
    ]);
  });
});

describe('table order', () => {
  const quotes = Object.fromEntries(
    [
      ['BTC', 60000, -1],
      ['ETH', 2700, 3],
      ['ADA', 0.5, 2],
    ].map(([symbol, price, change]) => [
      symbol,
      /** @type {import('@/lib/types.js').Quote} */ ({
        symbol,
        price,
        change_24h: change,
        volume_24h: 1,
        timestamp: '',
      }),
    ]),
  );
  const symbols = ['NEW', 'ETH', 'BTC', 'ADA'];

  it('sorts by a column, both ways, unknown values last', () => {
    expect(sortSymbols(symbols, { key: 'price', descending: true }, quotes, {})).toEqual([
      'BTC',
      'ETH',
      'ADA',
      'NEW',
    ]);
    expect(sortSymbols(symbols, { key: 'change', descending: false }, quotes, {})).toEqual([
      'BTC',
      'ADA',
      'ETH',
      'NEW',
    ]);
    expect(sortSymbols(symbols, { key: 'symbol', descending: false }, quotes, {})[0]).toBe('ADA');
  });

  it('finds symbols by ticker and by name', () => {
    expect(symbols.filter((symbol) => matches(symbol, ' bitc'))).toEqual(['BTC']);
    expect(symbols.filter((symbol) => matches(symbol, 'eth'))).toEqual(['ETH']);
    expect(symbols.filter((symbol) => matches(symbol, ''))).toEqual(symbols);
  });
});
