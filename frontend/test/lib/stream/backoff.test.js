import { describe, expect, it } from 'vitest';
import { backoffDelay } from '@/lib/stream/backoff.js';

const LIMITS = { base: 1000, max: 5000, factor: 0.5 };

/**
 * @param {number} attempt
 * @param {number} random
 */
const delay = (attempt, random) => backoffDelay(attempt, LIMITS, () => random);

describe('backoffDelay', () => {
  it('doubles up to its limit', () => {
    const unjittered = { ...LIMITS, factor: 0 };
    const delays = [0, 1, 2, 3, 4].map((attempt) => backoffDelay(attempt, unjittered, () => 0.5));
    expect(delays).toEqual([1000, 2000, 4000, 5000, 5000]);
  });

  it('never leaves one to five seconds', () => {
    for (let attempt = 0; attempt < 10; attempt += 1) {
      expect(delay(attempt, 0)).toBeGreaterThanOrEqual(1000);
      expect(delay(attempt, 1)).toBeLessThanOrEqual(5000);
    }
  });

  it('is spread by chance', () => {
    expect(delay(1, 0)).toBe(1000);
    expect(delay(1, 1)).toBe(3000);
  });
});
