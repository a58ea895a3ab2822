import { describe, expect, it } from 'vitest';
import {
  decimalsFor,
  formatAge,
  formatChange,
  formatCompact,
  formatPrice,
  humanise,
  UNKNOWN,
} from '@/lib/format.js';

describe('format', () => {
  it('shows a price with its own decimals', () => {
    expect(formatPrice(64000.5, 2)).toBe('64,000.50');
    expect(formatPrice(0.1009, 6)).toBe('0.100900');
    expect(formatPrice(0.00001234)).toBe('0.00001234');
  });

  it('shows a dash for what is not known', () => {
    for (const format of [formatPrice, formatChange, formatCompact]) {
      expect(format(undefined)).toBe(UNKNOWN);
      expect(format(NaN)).toBe(UNKNOWN);
    }
  });

  it('guesses decimals that keep five digits', () => {
    expect([64000, 2700, 5.1, 0.1, 0.000012, 0].map(decimalsFor)).toEqual([2, 2, 4, 5, 8, 2]);
  });

  it('gives changes a sign', () => {
    expect(formatChange(1.234)).toBe('+1.23 %');
    expect(formatChange(-1.234)).toBe('−1.23 %');
    expect(formatChange(0)).toBe('0.00 %');
  });

  it('says how long ago', () => {
    expect([0, 7_000, 59_999, 60_000, 7_200_000, 200_000_000].map(formatAge)).toEqual([
      'now',
      '5 s',
      '55 s',
      '1 min',
      '2 h',
      '2 d',
    ]);
  });

  it('turns constants into words', () => {
    expect(humanise('STRONG_BUY')).toBe('Strong buy');
  });
});
