import { describe, expect, it } from 'vitest';
import { NOW, placeOf, rangeOf, revealing, zoomed } from '@/features/market/chart/place.js';
import { bar } from './someBars.js';

const bars = (/** @type {number} */ first, /** @type {number} */ last) =>
  Array.from({ length: last - first + 1 }, (_, at) => bar(first + at));

describe('a place', () => {
  it('stays at the newest bar when that is in view', () => {
    const place = placeOf({ from: 380, to: 503.5 }, bars(0, 499));
    expect(rangeOf(place, bars(0, 509))).toEqual({ from: 390, to: 513.5 });
  });

  it('stays at its bars when one has scrolled back', () => {
    const place = placeOf({ from: 100.25, to: 200.25 }, bars(0, 499));
    expect(rangeOf(place, bars(0, 509))).toEqual({ from: 100.25, to: 200.25 });
    // Bars fell off the front, or an older page was put before it.
    expect(rangeOf(place, bars(50, 549))).toEqual({ from: 50.25, to: 150.25 });
    expect(rangeOf(place, bars(-500, 499))).toEqual({ from: 600.25, to: 700.25 });
  });

  it('is nowhere among bars that don’t reach so far back', () => {
    const place = placeOf({ from: 100, to: 200 }, bars(0, 499));
    expect(rangeOf(place, bars(499, 500))).toBeNull();
    expect(rangeOf(place, [])).toBeNull();
  });

  it('is at first the newest bars', () => {
    expect(rangeOf(NOW, bars(0, 499))).toEqual({ from: 380, to: 504 });
  });
});

describe('a range', () => {
  it('is zoomed at its right edge, within reason', () => {
    expect(zoomed({ from: 0, to: 100 }, 1, 500)).toEqual({ from: 20, to: 100 });
    expect(zoomed({ from: 0, to: 100 }, -1, 500)).toEqual({ from: -25, to: 100 });
    expect(zoomed({ from: 90, to: 100 }, 1, 500)).toEqual({ from: 90, to: 100 });
    expect(zoomed({ from: 0, to: 500 }, -1, 500).from).toBe(-4);
  });

  it('moves only as far as need be to show a bar', () => {
    expect(revealing({ from: 100, to: 200 }, 150)).toEqual({ from: 100, to: 200 });
    expect(revealing({ from: 100, to: 200 }, 90)).toEqual({ from: 88, to: 188 });
    expect(revealing({ from: 100, to: 200 }, 210)).toEqual({ from: 112, to: 212 });
  });
});
