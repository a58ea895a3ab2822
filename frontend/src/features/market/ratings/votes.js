/** The votes of a rating by group, and what each is called. */

/**
 * @typedef {import('@/lib/types.js').Vote} Vote
 * @typedef {import('@/lib/types.js').VoteCount} VoteCount
 * @typedef {{ term: 'moving_averages' | 'oscillators', count: VoteCount, votes: Vote[] }} Group
 */

/** Prices themselves, unlike what oscillators say. */
const AVERAGES = /^(SMA|EMA|HMA|VWMA|Ichimoku)\b/;

/**
 * @param {import('@/lib/types.js').Rating} rating
 * @returns {Group[]} The moving averages, and the oscillators.
 */
export const groupsOf = ({ moving_averages: averages, oscillators, votes }) => [
  {
    term: 'moving_averages',
    count: averages,
    votes: votes.filter(({ name }) => AVERAGES.test(name)),
  },
  {
    term: 'oscillators',
    count: oscillators,
    votes: votes.filter(({ name }) => !AVERAGES.test(name)),
  },
];
