import { expect, it } from 'vitest';
import { topOf } from '@/features/market/book.js';
import { decimalsFor, formatBasisPoints, formatPrice } from '@/lib/format.js';

/** @param {object} fields */
const quote = (fields) => /** @type {import('@/lib/types.js').Quote} */ ({ price: 100, ...fields });

it('is nothing where the feed has no order book', () => {
  expect(topOf(undefined)).toBeNull();
  expect(topOf(quote({}))).toBeNull();
});

it.each([
  [9.9e-12, 1.01e-11, '0.0₁₂20', '2 %'],
  [0.3391, 0.3392, '0.00010', '2.9 bp'],
  [61_837.63, 61_837.64, '0.010', '0.0016 bp'],
  [61_000, 61_837.64, '837.64', '1.4 %'],
  [9_999_999_999, 1e10, '1.00', '< 0.001 bp'],
  [5, 5, '0.00', '0 bp'],
])('says what lies between %f and %f', (bid, ask, spread, share) => {
  const top = topOf(quote({ bid, ask }));
  if (!top) throw new Error('There is an order book');
  expect(formatPrice(top.spread, decimalsFor(top.spread, 2))).toBe(spread);
  expect(formatBasisPoints(top.share)).toBe(share);
});
