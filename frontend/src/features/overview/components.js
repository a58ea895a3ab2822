/** What the index is made of: each scored 0 (fear) to 100 (greed), which is not what its name counts. */

/** @type {Record<string, { term: import('@/lib/glossary.js').Term, low: string, high: string }>} */
export const COMPONENTS = {
  volatility: { term: 'volatility', low: 'wild', high: 'calm' },
  drawdown: { term: 'drawdown', low: 'deep', high: 'little' },
  momentum: { term: 'momentum', low: 'down', high: 'up' },
  volume: { term: 'buying', low: 'selling', high: 'buying' },
  breadth: { term: 'breadth', low: 'few rise', high: 'most rise' },
};

/** The neutral band of the index. */
const NEUTRAL = { from: 45, to: 55 };

/**
 * What a component's score says of the market, in a word.
 * @param {string} name
 * @param {number} score
 */
export function wordOf(name, score) {
  if (score >= NEUTRAL.from && score <= NEUTRAL.to) return 'usual';
  return COMPONENTS[name]?.[score < NEUTRAL.from ? 'low' : 'high'] ?? '';
}
