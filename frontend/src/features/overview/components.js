/** What the index is made of: each scored 0 (fear) to 100 (greed), which is not what its name counts. */

/** @typedef {{ term: import('@/lib/glossary.js').Term, low: string, high: string }} Component */

/** @type {Record<string, Component>} */
export const COMPONENTS = {
  volatility: { term: 'volatility', low: 'wild', high: 'calm' },
  drawdown: { term: 'drawdown', low: 'deep', high: 'little' },
  momentum: { term: 'momentum', low: 'down', high: 'up' },
  volume: { term: 'buying', low: 'selling', high: 'buying' },
  breadth: { term: 'breadth', low: 'few rise', high: 'most rise' },
};

/** @type {Record<string, Component>} Those of the daily index. */
export const DAILY_COMPONENTS = {
  volatility: { term: 'daily_volatility', low: 'falling', high: 'rising' },
  drawdown: { term: 'daily_drawdown', low: 'deep', high: 'little' },
  momentum: { term: 'daily_momentum', low: 'down', high: 'up' },
  volume: { term: 'daily_volume', low: 'selling', high: 'buying' },
};

/** The neutral band of the index. */
const NEUTRAL = { from: 45, to: 55 };

/**
 * What a component's score says of the market, in a word.
 * @param {Component | undefined} component
 * @param {number} score
 */
export function wordOf(component, score) {
  if (score >= NEUTRAL.from && score <= NEUTRAL.to) return 'usual';
  return component?.[score < NEUTRAL.from ? 'low' : 'high'] ?? '';
}
