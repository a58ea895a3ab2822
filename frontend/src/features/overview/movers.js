/** What moved most. */

/**
 * @param {import('@/lib/types.js').MarketData} quotes
 * @param {string[]} symbols
 * @param {number} count At most so many of each.
 * @returns {{ known: boolean, up: string[], down: string[] }} Furthest first; `known` says whether
 *   there is any price at all.
 */
export function moversOf(quotes, symbols, count) {
  const ordered = symbols
    .filter((symbol) => quotes[symbol])
    .sort((a, b) => quotes[b].change_24h - quotes[a].change_24h);
  const risen = ordered.filter((symbol) => quotes[symbol].change_24h > 0);
  const fallen = ordered.filter((symbol) => quotes[symbol].change_24h < 0).reverse();
  return {
    known: ordered.length > 0,
    up: risen.slice(0, count),
    down: fallen.slice(0, count),
  };
}
