/** What belongs to one tab stands in its address: `/markets/SOL?interval=1h`. */
import { INTERVALS } from './chart/intervals.js';

const DEFAULT_INTERVAL = '1m';

/**
 * @param {string | null} symbol Null for the list.
 * @param {string} interval
 * @returns {string}
 */
export function marketHref(symbol, interval) {
  const path = symbol === null ? '/markets' : `/markets/${symbol}`;
  return interval === DEFAULT_INTERVAL ? path : `${path}?interval=${interval}`;
}

/**
 * @param {string} search Of the address.
 * @returns {string} The interval that it names, or the default where it names none that there is.
 */
export function intervalOf(search) {
  const named = new URLSearchParams(search).get('interval');
  return named !== null && INTERVALS.includes(named) ? named : DEFAULT_INTERVAL;
}
