import { expect, it } from 'vitest';
import { columnWidths, hasWidePrices } from '@/features/market/columnWidths.js';

/**
 * @param {string} symbol
 * @param {number} price
 */
const quote = (symbol, price) => ({
  symbol,
  price,
  change_24h: 1,
  volume_24h: 1e6,
  timestamp: '2026-01-01T00:00:00.000Z',
});

it('is as wide as the longest price, and counts what is narrow as half', () => {
  const quotes = { BTC: quote('BTC', 64000.5), BIG: quote('BIG', 1e10) };
  const infos = {
    BTC: { symbol: 'BTC', price_decimals: 2 },
    BIG: { symbol: 'BIG', price_decimals: 2 },
  };
  expect(columnWidths(['BTC', 'BIG'], quotes, infos).price).toBe(11 + 3 / 2);
  expect(hasWidePrices(columnWidths(['BTC', 'BIG'], quotes, infos))).toBe(true);
  expect(hasWidePrices(columnWidths(['BTC'], quotes, infos))).toBe(false);
});

it('has room for an ordinary market before there is one', () => {
  expect(columnWidths(['BTC'], {}, {}).price).toBeGreaterThanOrEqual(8);
});
