/**
 * Which symbols the server carries, with their precision, and how its feed is. Asked for again now
 * and then; what `connection_status` says of the feed comes in between.
 */
import { createStore } from 'zustand/vanilla';
import { getSymbols } from './api.js';
import { watchPage } from './stream/page.js';

const RETRY_MS = 5_000;
/** How late news may be that the stream does not bring: a symbol's first price, one not listed. */
const REFRESH_MS = 30_000;

/**
 * @typedef {object} SourceChange
 * @property {string} from
 * @property {string} to
 * @property {number} at Epoch in ms, of this machine.
 *
 * @typedef {object} MarketInfo
 * @property {import('./types.js').SymbolInfo[]} symbols
 * @property {Record<string, import('./types.js').SymbolInfo>} bySymbol
 * @property {string | null} feed
 * @property {import('./types.js').FeedStatus | null} feedStatus
 * @property {SourceChange | null} sourceChange The last one that happened while the page was open.
 * @property {boolean} loaded
 */

/** @type {MarketInfo} */
const EMPTY = {
  symbols: [],
  bySymbol: {},
  feed: null,
  feedStatus: null,
  sourceChange: null,
  loaded: false,
};

export const marketInfo = createStore(/** @returns {MarketInfo} */ () => EMPTY);

let started = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

async function load() {
  let again = REFRESH_MS;
  try {
    if (!document.hidden) await refreshMarketInfo();
  } catch (error) {
    console.warn('The list of symbols could not be loaded; trying again', error);
    again = RETRY_MS;
  }
  clearTimeout(timer);
  timer = setTimeout(load, again);
}

/**
 * @param {import('./types.js').SymbolInfo | undefined} info
 * @returns {string | undefined} What the asset is called; nothing where that is its ticker.
 */
export const assetName = (info) => (info && info.name !== info.symbol ? info.name : undefined);

/** Ask for the list now. Rejects where there is no answer. */
export async function refreshMarketInfo() {
  const { symbols, feed = null, feed_status: feedStatus = null } = await getSymbols();
  takeFeed(feed, feedStatus);
  marketInfo.setState({ loaded: true });
  // The same list is the same array: everything that depends on it would render anew.
  if (JSON.stringify(symbols) === JSON.stringify(marketInfo.getState().symbols)) return;
  marketInfo.setState({
    symbols,
    bySymbol: Object.fromEntries(symbols.map((info) => [info.symbol, info])),
  });
}

/**
 * @param {string | null} feed
 * @param {import('./types.js').FeedStatus | null} feedStatus
 * @returns {boolean} Whether another source leads than before.
 */
function takeFeed(feed, feedStatus) {
  const before = marketInfo.getState().feed;
  const changed = before !== null && feed !== null && feed !== before;
  marketInfo.setState({
    feed,
    feedStatus,
    ...(changed && { sourceChange: { from: before, to: feed, at: Date.now() } }),
  });
  return changed;
}

/** Load the list and keep it up to date, unless that is being done. */
export function loadMarketInfo() {
  if (started) return;
  started = true;
  watchPage({ onOnline: reloadMarketInfo, onVisible: reloadMarketInfo });
  void load();
}

/** Ask now: what is known may be old. */
export function reloadMarketInfo() {
  void load();
}

/**
 * Take what the stream says of the feed.
 * @param {import('./types.js').StatusMessage} message
 */
export function noteFeedStatus({ feed, feed_status: feedStatus }) {
  // What figures stand for, and prices' precision, are the new source's too.
  if (feed && feedStatus && takeFeed(feed, feedStatus)) reloadMarketInfo();
}
