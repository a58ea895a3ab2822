import { describe, expect, it } from 'vitest';
import { bollingerBands, movingAverage } from '@/lib/indicators.js';

describe('indicators', () => {
  it('averages over a moving window', () => {
    expect(movingAverage([1, 2, 3, 4, 5], 3)).toEqual([null, null, 2, 3, 4]);
  });

  it('has no average of too few values', () => {
    expect(movingAverage([1, 2], 3)).toEqual([null, null]);
  });

  it('puts the bands so many standard deviations around the average', () => {
    // Mean 5 and population standard deviation 2: the textbook's example.
    const bands = bollingerBands([2, 4, 4, 4, 5, 5, 7, 9], 8, 2);
    expect(bands.at(-1)).toEqual({ upper: 9, lower: 1 });
    expect(bands.at(-2)).toBeNull();
  });
});
