/** What time it is on the market that is shown: a recording has its own. */
import { marketInfo } from './marketInfo.js';
import { streamStore } from './streamStore.js';

/** @typedef {import('./types.js').MarketData} MarketData */

/** @type {MarketData | null} */
let read = null;
let newest = 0;

/**
 * @param {MarketData} quotes
 * @returns {number} The exchange's time of the newest, epoch in ms; 0 without any.
 */
export function newestOf(quotes) {
  if (quotes !== read) {
    read = quotes;
    newest = Object.values(quotes).reduce(
      (latest, { timestamp }) => Math.max(latest, Date.parse(timestamp)),
      0,
    );
  }
  return newest;
}

/**
 * @param {number} now Epoch in ms, of this machine.
 * @returns {number} The instant from which ages count.
 */
export function marketNow(now) {
  if (!marketInfo.getState().feedStatus?.replay) return now;
  return newestOf(streamStore.getState().quotes) || now;
}
