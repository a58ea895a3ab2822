import { describe, expect, it } from 'vitest';
import { growBar, indexOfBar, mergeBars } from '@/features/market/chart/bars.js';
import { openingOf } from '@/features/market/chart/intervals.js';
import { bar, MINUTE } from './someBars.js';

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

  it('are found by a time that they hold', () => {
    const bars = [bar(1), bar(2), bar(4)];
    const at = (/** @type {number} */ minute) => indexOfBar(bars, minute * MINUTE);
    expect([0.9, 1, 1.5, 2, 3.5, 4, 9].map(at)).toEqual([-1, 0, 0, 1, 1, 2, 2]);
    expect(indexOfBar([], 0)).toBe(-1);
  });
});
