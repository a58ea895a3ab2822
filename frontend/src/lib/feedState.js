/** What the state of the server's feed means for somebody who looks at its prices. */

import { humanise } from './format.js';

/**
 * @typedef {import('./types.js').FeedStatus} FeedStatus
 * @typedef {'live' | 'playing' | 'trouble'} Tone
 */

const SOURCES = /** @type {Record<string, string>} */ ({
  simulated: 'A simulation, no real market',
  replay: 'A recording of a market',
  binance: 'Binance spot market',
  kraken: 'Kraken spot market',
  coinbase: 'Coinbase spot market',
});

/**
 * @param {string} feed
 * @returns {string} What it is, in words.
 */
export const sourceOf = (feed) => SOURCES[feed] ?? feed;

/**
 * That another source leads, in words.
 * @param {import('./marketInfo.js').SourceChange} change
 */
export const describeChange = ({ from, to }) => `${humanise(to)} in place of ${humanise(from)}`;

const TROUBLE = /** @type {Record<string, string>} */ ({
  connecting: 'Connecting to the source',
  reconnecting: 'Source lost',
  ended: 'Ended',
  stopped: 'Stopped',
});

/**
 * @param {FeedStatus | null} status Null before the server has told.
 * @returns {{ word: string, tone: Tone }}
 */
export function describeFeed(status) {
  if (status === null) return { word: 'Live', tone: 'live' };
  if (status.state !== 'live')
    return { word: TROUBLE[status.state] ?? status.state, tone: 'trouble' };
  if (status.stale) return { word: 'No fresh data', tone: 'trouble' };
  return status.replay ? { word: 'Playing', tone: 'playing' } : { word: 'Live', tone: 'live' };
}
