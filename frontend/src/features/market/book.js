/** The top of the order book. */

/** What follows, in the difference of two prices, is how a computer writes them. */
const DIGITS = 8;

/**
 * What lies between the best bid and the best ask.
 * @param {import('@/lib/types.js').Quote | undefined} quote
 * @returns {{ bid: number, ask: number, spread: number, share: number } | null} `share` of the price
 *   in the middle; null where the feed has no order book.
 */
export function topOf(quote) {
  if (quote?.bid === undefined || quote.ask === undefined) return null;
  const { bid, ask } = quote;
  const spread = Number((ask - bid).toPrecision(DIGITS));
  return { bid, ask, spread, share: (2 * spread) / (ask + bid) };
}
