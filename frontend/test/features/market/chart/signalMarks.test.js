// @vitest-environment jsdom
import { describe, expect, it } from 'vitest';
import { signalMarks } from '@/features/market/chart/signalMarks.js';
import { bar, MINUTE } from './someBars.js';

const PALETTE = /** @type {import('@/features/market/chart/palette.js').Palette} */ ({
  up: 'green',
  down: 'red',
});

/**
 * @param {number} minute
 * @param {import('@/lib/types.js').SignalLevel} level
 */
const signal = (minute, level) => ({
  symbol: 'BTC',
  signal: level,
  strength: 0.8,
  reason: '',
  timestamp: new Date(minute * MINUTE).toISOString(),
});

describe('signal marks', () => {
  it('stand at the bar in which the signal came, oldest first', () => {
    const signals = [signal(3.5, 'SELL'), signal(1.5, 'STRONG_BUY')];
    expect(signalMarks([bar(1), bar(2), bar(3)], signals, PALETTE)).toEqual([
      { time: 60, position: 'belowBar', shape: 'arrowUp', color: 'green', size: 1.5 },
      { time: 180, position: 'aboveBar', shape: 'arrowDown', color: 'red', size: 1 },
    ]);
  });

  it('show the last word of a bar, and nothing of HOLD or of what was before', () => {
    const signals = [
      signal(2.9, 'HOLD'),
      signal(2.6, 'SELL'),
      signal(2.3, 'BUY'),
      signal(0.5, 'BUY'),
    ];
    const marks = signalMarks([bar(1), bar(2)], signals, PALETTE);
    expect(marks).toMatchObject([{ time: 120, shape: 'arrowDown' }]);
  });
});
