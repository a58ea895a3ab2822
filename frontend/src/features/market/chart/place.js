/**
 * Where the reader looks: which bars the chart shows, told by time, so that it is found again among
 * other bars.
 */
import { indexOfBar } from './bars.js';

/**
 * @typedef {import('./bars.js').Bar} Bar
 * @typedef {{ from: number, to: number }} Range Of indices of bars, fractions and beyond the ends too.
 *
 * @typedef {object} Place
 * @property {number} width In bars.
 * @property {number} margin In bars, from the anchor to the right edge.
 * @property {number | null} anchor Opening of the bar nearest to the right edge, epoch in ms; null
 *   for the newest, whichever that is.
 */

/** Bars shown at first, so that each is some pixels wide. */
export const VISIBLE_BARS = 120;
export const RIGHT_MARGIN_BARS = 4;
/** The closest look, in bars. */
const WIDTH_MIN = 10;
const ZOOM_STEP = 1.25;
/** Empty bars that stay beside one that is read by keyboard. */
const READING_MARGIN = 2;

/** @type {Place} The newest bars. */
export const NOW = Object.freeze({
  width: VISIBLE_BARS + RIGHT_MARGIN_BARS,
  margin: RIGHT_MARGIN_BARS + 1,
  anchor: null,
});

/**
 * Whether the newest bar is in view.
 * @param {Range} range
 * @param {number} count Of bars.
 */
export const showsNewest = (range, count) => range.to >= count - 1;

/**
 * @param {Range} range
 * @param {Bar[]} bars Oldest first.
 * @returns {Place}
 */
export function placeOf(range, bars) {
  const newest = bars.length - 1;
  const width = range.to - range.from;
  if (showsNewest(range, bars.length)) return { width, margin: range.to - newest, anchor: null };
  const index = Math.max(0, Math.floor(range.to));
  return { width, margin: range.to - index, anchor: bars[index].time };
}

/**
 * @param {Place} place
 * @param {Bar[]} bars Oldest first.
 * @returns {Range | null} Null where the bars don't reach so far.
 */
export function rangeOf({ width, margin, anchor }, bars) {
  const index = anchor === null ? bars.length - 1 : indexOfBar(bars, anchor);
  if (index < 0) return null;
  return { from: index + margin - width, to: index + margin };
}

/**
 * A closer look, or a wider one, at the same right edge.
 * @param {Range} range
 * @param {1 | -1} direction 1 is closer.
 * @param {number} count Of bars.
 * @returns {Range}
 */
export function zoomed({ from, to }, direction, count) {
  const width = (to - from) / ZOOM_STEP ** direction;
  const bounded = Math.min(Math.max(width, WIDTH_MIN), count + RIGHT_MARGIN_BARS);
  return { from: to - bounded, to };
}

/**
 * Moved as little as need be for one bar to be in view.
 * @param {Range} range
 * @param {number} index
 * @returns {Range}
 */
export function revealing({ from, to }, index) {
  const ahead = Math.max(0, index + READING_MARGIN - to);
  const behind = Math.max(0, from - (index - READING_MARGIN));
  return { from: from + ahead - behind, to: to + ahead - behind };
}
