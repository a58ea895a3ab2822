import { describe, expect, it } from 'vitest';
import { continues, growBar, indexOfBar, joinBars } from '@/features/market/chart/bars.js';
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

  it('leave a price of another interval alone', () => {
    expect(growBar(bar(5), 11, 6 * MINUTE, '1m')).toEqual(bar(5));
    expect(growBar(bar(5), 11, 4 * MINUTE, '1m')).toEqual(bar(5));
  });

  it('take the place of known ones of their time, and go on after them', () => {
    expect(joinBars([bar(1), bar(2), bar(3)], [bar(2), bar(3, 30), bar(4, 40)])).toEqual([
      bar(1),
      bar(2),
      bar(3, 30),
      bar(4, 40),
    ]);
  });

  it('continue known ones when both agree on what is closed', () => {
    const known = [bar(1), bar(2), bar(4)];
    // Nobody traded in the third minute; the last one is forming.
    expect(continues(known, [bar(2), bar(4, 11), bar(5)])).toBe(true);
    expect(continues(known, [bar(4, 11), bar(7)])).toBe(true);
    expect(continues(known, [bar(1), bar(2), bar(4)])).toBe(true);
  });

  it.each([
    ['begin after them', [bar(5), bar(6)]],
    ['begin before them', [bar(0), bar(1), bar(2), bar(4)]],
    ['begin with one that was not known', [bar(3), bar(4), bar(5)]],
    ['hold one between that was not known', [bar(2), bar(3), bar(4), bar(5)]],
    ['lack one', [bar(1), bar(4), bar(5)]],
    ['lack the last one', [bar(2), bar(5)]],
    ['end before them', [bar(1), bar(2)]],
    ['differ in a closed one', [bar(2, 11), bar(4)]],
    ['are none', []],
  ])('don’t continue known ones when they %s', (_, fresh) => {
    expect(continues([bar(1), bar(2), bar(4)], fresh)).toBe(false);
  });

  it('are found by a time that they hold', () => {
    const bars = [bar(1), bar(2), bar(4)];
    const at = (/** @type {number} */ minute) => indexOfBar(bars, minute * MINUTE);
    expect([0.9, 1, 1.5, 2, 3.5, 4, 9].map(at)).toEqual([-1, 0, 0, 1, 1, 2, 2]);
    expect(indexOfBar([], 0)).toBe(-1);
  });
});
