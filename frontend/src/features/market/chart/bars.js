/** Candles as the chart holds them: time in ms, and the last one growing with the live price. */
import { openingOf } from './intervals.js';

/**
 * @typedef {object} Bar
 * @property {number} time Epoch in ms of the opening.
 * @property {number} open
 * @property {number} high
 * @property {number} low
 * @property {number} close
 * @property {number} volume Units of the asset.
 */

/**
 * @param {import('@/lib/types.js').Candle} candle
 * @returns {Bar}
 */
export function barOf({ time, open, high, low, close, volume }) {
  return { time: Date.parse(time), open, high, low, close, volume };
}

/**
 * The bar that a price belongs to: the last one, grown, or a new one. Null when the price is older
 * than the last bar.
 * @param {Bar} last
 * @param {number} price
 * @param {number} time Epoch in ms.
 * @param {string} interval
 * @returns {Bar | null}
 */
export function growBar(last, price, time, interval) {
  const opening = openingOf(time, interval);
  if (opening < last.time) return null;
  if (opening > last.time) {
    return { time: opening, open: price, high: price, low: price, close: price, volume: 0 };
  }
  return {
    ...last,
    high: Math.max(last.high, price),
    low: Math.min(last.low, price),
    close: price,
  };
}

/**
 * Put fresh bars into known ones, by time.
 * @param {Bar[]} bars Oldest first.
 * @param {Bar[]} fresh Oldest first.
 * @returns {Bar[]}
 */
export function mergeBars(bars, fresh) {
  if (fresh.length === 0) return bars;
  const kept = bars.filter(({ time }) => time < fresh[0].time);
  const after = bars.filter(({ time }) => time > fresh[fresh.length - 1].time);
  return [...kept, ...fresh, ...after];
}

/**
 * @param {Bar[]} bars Oldest first.
 * @param {number} time Epoch in ms.
 * @returns {number} Index of the bar that holds it, or of the last one before it; -1 before the first.
 */
export function indexOfBar(bars, time) {
  let low = 0;
  let high = bars.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bars[middle].time <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
