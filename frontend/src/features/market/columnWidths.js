/** How wide the table's columns have to be for what is in them. */
import { formatChange, formatCompact, formatPrice } from '@/lib/format.js';

/** As narrow as a column gets, in digits: what most of a market needs, so that widths seldom change. */
const LEAST = { price: 8, change: 5.5, volume: 5.5 };
/** Commas, points and spaces are narrower than digits. */
const NARROW = /[\s.,'’·]/gu;
const NARROW_WIDTH = 0.5;
/** A price wider than this leaves no room for words beside it on a phone. */
const WIDE_PRICE = 10;

/**
 * @typedef {import('@/lib/types.js').MarketData} MarketData
 * @typedef {Record<keyof typeof LEAST, number>} Widths In digits.
 */

/**
 * @param {string[]} symbols
 * @param {MarketData} quotes
 * @param {Record<string, import('@/lib/types.js').SymbolInfo>} infos
 * @returns {Widths} Of the longest of each.
 */
export function columnWidths(symbols, quotes, infos) {
  const widths = { ...LEAST };
  for (const symbol of symbols) {
    const quote = quotes[symbol];
    if (!quote) continue;
    const decimals = infos[symbol]?.price_decimals ?? undefined;
    widths.price = Math.max(widths.price, widthOf(formatPrice(quote.price, decimals)));
    widths.change = Math.max(widths.change, widthOf(formatChange(quote.change_24h)));
    widths.volume = Math.max(widths.volume, widthOf(formatCompact(quote.volume_24h)));
  }
  return widths;
}

/**
 * @param {string} text A number.
 * @returns {number} In digits.
 */
export function widthOf(text) {
  const narrow = text.match(NARROW)?.length ?? 0;
  return text.length - narrow * (1 - NARROW_WIDTH);
}

/** @param {Widths} widths */
export const hasWidePrices = ({ price }) => price > WIDE_PRICE;

/**
 * @param {Widths} widths
 * @returns {import('react').CSSProperties} For the stylesheet.
 */
export function asProperties(widths) {
  return Object.fromEntries(Object.entries(widths).map(([name, width]) => [`--${name}`, width]));
}
