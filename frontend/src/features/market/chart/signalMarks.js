/** Arrows at the bars in which a trading signal came. */
import { indexOfBar } from './bars.js';
import { seconds } from './chartTime.js';

/**
 * @typedef {import('@/lib/types.js').TradingSignal} TradingSignal
 * @typedef {import('lightweight-charts').SeriesMarker<import('lightweight-charts').Time>} Mark
 */

/**
 * @param {import('./bars.js').Bar[]} bars Oldest first.
 * @param {TradingSignal[]} signals Newest first; those before the first bar have no place.
 * @param {import('./palette.js').Palette} palette
 * @returns {Mark[]} Oldest first, one a bar at the most.
 */
export function signalMarks(bars, signals, palette) {
  /** @type {Map<number, TradingSignal>} */
  const byBar = new Map();
  for (const signal of signals) {
    if (signal.signal === 'HOLD') continue;
    const at = indexOfBar(bars, Date.parse(signal.timestamp));
    // The newest of a bar is its last word.
    if (at >= 0 && !byBar.has(at)) byBar.set(at, signal);
  }
  return [...byBar]
    .sort(([a], [b]) => a - b)
    .map(([at, { signal }]) => markOf(bars[at], signal, palette));
}

/**
 * @param {import('./bars.js').Bar} bar
 * @param {import('@/lib/types.js').SignalLevel} level
 * @param {import('./palette.js').Palette} palette
 * @returns {Mark}
 */
function markOf(bar, level, palette) {
  const buy = level.endsWith('BUY');
  return {
    time: seconds(bar.time),
    position: buy ? 'belowBar' : 'aboveBar',
    shape: buy ? 'arrowUp' : 'arrowDown',
    color: buy ? palette.up : palette.down,
    size: level.startsWith('STRONG_') ? 1.5 : 1,
  };
}
