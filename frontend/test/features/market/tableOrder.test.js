import { describe, expect, it } from 'vitest';
import { matches, sortSymbols } from '@/features/market/tableOrder.js';

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

  it('sorts by the spread as a share of the price, where there is an order book', () => {
    const books = {
      ...quotes,
      BTC: { ...quotes.BTC, bid: 60000, ask: 60006 },
      ADA: { ...quotes.ADA, bid: 0.5, ask: 0.501 },
    };
    const spread = /** @type {const} */ ({ key: 'spread', descending: false });
    expect(sortSymbols(symbols, spread, books, {}).slice(0, 2)).toEqual(['BTC', 'ADA']);
  });

  it('finds symbols by ticker and by name', () => {
    const names = Object.fromEntries(symbols.map((symbol) => [symbol, '']));
    Object.assign(names, { BTC: 'Bitcoin', ETH: 'Ethereum' });
    expect(symbols.filter((symbol) => matches(symbol, names[symbol], ' bitc'))).toEqual(['BTC']);
    expect(symbols.filter((symbol) => matches(symbol, names[symbol], 'eth'))).toEqual(['ETH']);
    expect(symbols.filter((symbol) => matches(symbol, names[symbol], ''))).toEqual(symbols);
  });
});
