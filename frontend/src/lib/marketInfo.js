/** Which symbols the server carries, their names and precision. Loaded once for the page. */
import { createStore } from 'zustand/vanilla';
import { getSymbols } from './api.js';

const RETRY_MS = 5_000;

/**
 * @typedef {object} MarketInfo
 * @property {import('./types.js').SymbolInfo[]} symbols
 * @property {Record<string, import('./types.js').SymbolInfo>} bySymbol
 * @property {string | null} feed
 * @property {boolean} loaded
 */

export const marketInfo = createStore(
  /** @returns {MarketInfo} */ () => ({ symbols: [], bySymbol: {}, feed: null, loaded: false }),
);

/** @type {Promise<void> | null} */
let loading = null;

async function load() {
  try {
    const { symbols, feed = null } = await getSymbols();
    const bySymbol = Object.fromEntries(symbols.map((info) => [info.symbol, info]));
    marketInfo.setState({ symbols, bySymbol, feed, loaded: true });
  } catch (error) {
    console.warn('The list of symbols could not be loaded; trying again', error);
    loading = null;
    setTimeout(loadMarketInfo, RETRY_MS);
  }
}

/** Load the list, unless that has been done. */
export function loadMarketInfo() {
  loading ??= load();
}
