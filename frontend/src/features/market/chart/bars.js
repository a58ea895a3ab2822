/** Candles as the chart holds them: time in ms; all closed but the last, which is forming. */
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
 * The forming bar with a price in it. A price of another interval leaves it as it is.
 * @param {Bar} bar
 * @param {number} price
 * @param {number} time Epoch in ms.
 * @param {string} interval
 * @returns {Bar}
 */
export function growBar(bar, price, time, interval) {
  if (openingOf(time, interval) !== bar.time || price === bar.close) return bar;
  return { ...bar, high: Math.max(bar.high, price), low: Math.min(bar.low, price), close: price };
}

/**
 * Whether the server's newest bars go on where the known ones end: nothing may lie between them,
 * and of every closed bar both say the same. Intervals without a trade have no bar, so that only
 * bars in common tell, not their times.
 * @param {Bar[]} known Oldest first.
 * @param {Bar[]} fresh Oldest first.
 * @returns {boolean}
 */
export function continues(known, fresh) {
  if (known.length === 0 || fresh.length === 0) return false;
  const forming = known.length - 1;
  const from = indexOfBar(known, fresh[0].time);
  if (known[from]?.time !== fresh[0].time) return false;
  if (fresh[forming - from]?.time !== known[forming].time) return false;
  return known.slice(from, forming).every((bar, at) => equal(bar, fresh[at]));
}

/**
 * Put the server's newest bars in the place of the known ones of their time, and after them.
 * @param {Bar[]} known Oldest first.
 * @param {Bar[]} fresh Oldest first, and continuing the known ones.
 * @returns {Bar[]}
 */
export function joinBars(known, fresh) {
  return [...known.slice(0, indexOfBar(known, fresh[0].time)), ...fresh];
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

/**
 * @param {Bar} one
 * @param {Bar} other
 */
function equal(one, other) {
  return (
    one.time === other.time &&
    one.open === other.open &&
    one.high === other.high &&
    one.low === other.low &&
    one.close === other.close &&
    one.volume === other.volume
  );
}
