/** Which rows the table shows, in which order. */
import { topOf } from './book.js';

/**
 * @typedef {'symbol' | 'price' | 'spread' | 'change' | 'volume' | 'signal'} SortKey
 * @typedef {{ key: SortKey, descending: boolean }} Sort
 */

const SIGNAL_RANK = { STRONG_BUY: 2, BUY: 1, HOLD: 0, SELL: -1, STRONG_SELL: -2 };

/**
 * @param {string} symbol
 * @param {string} name What it is called, if it is called anything else.
 * @param {string} text As typed.
 */
export function matches(symbol, name, text) {
  const sought = text.trim().toLowerCase();
  return symbol.toLowerCase().includes(sought) || name.toLowerCase().includes(sought);
}

/**
 * @param {string[]} symbols
 * @param {Sort} sort
 * @param {import('@/lib/types.js').MarketData} quotes
 * @param {Record<string, import('@/lib/types.js').TradingSignal>} signals
 * @returns {string[]} Those without a value last, whichever the direction.
 */
export function sortSymbols(symbols, { key, descending }, quotes, signals) {
  /** @param {string} symbol */
  const valueOf = (symbol) => {
    if (key === 'price') return quotes[symbol]?.price;
    if (key === 'spread') return topOf(quotes[symbol])?.share;
    if (key === 'change') return quotes[symbol]?.change_24h;
    if (key === 'volume') return quotes[symbol]?.volume_24h;
    const signal = signals[symbol];
    return signal && SIGNAL_RANK[signal.signal] * signal.strength;
  };
  const direction = descending ? -1 : 1;
  if (key === 'symbol') return symbols.toSorted((a, b) => direction * a.localeCompare(b));
  return symbols.toSorted((a, b) => {
    const [one, other] = [valueOf(a), valueOf(b)];
    if (one === undefined || other === undefined) {
      return Number(one === undefined) - Number(other === undefined);
    }
    return direction * (one - other);
  });
}
