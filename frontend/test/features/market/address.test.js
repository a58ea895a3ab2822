import { expect, it } from 'vitest';
import { intervalOf, marketHref } from '@/features/market/address.js';

it('names symbol and interval, but for the interval of those who chose none', () => {
  expect(marketHref('SOL', '1h')).toBe('/markets/SOL?interval=1h');
  expect(marketHref('SOL', '1m')).toBe('/markets/SOL');
  expect(marketHref(null, '1h')).toBe('/markets?interval=1h');
});

it('is read back, and what is no interval is none', () => {
  expect(intervalOf('interval=1h')).toBe('1h');
  expect(intervalOf('interval=7m')).toBe('1m');
  expect(intervalOf('')).toBe('1m');
});
