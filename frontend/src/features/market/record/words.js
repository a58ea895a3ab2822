/** What a track record says, in plain words, good or bad. */

import { formatShare, humanise } from '@/lib/format.js';

/** @typedef {import('@/lib/types.js').RecordRow} RecordRow */

/** The horizon of the one sentence; the table has all of them. */
const SPOKEN = '1h';
/** Shares of right that differ by no more are as good as equal. */
const EQUAL = 0.05;

const LATER = /** @type {Record<string, string>} */ ({
  '15m': '15 min later',
  '1h': '1 h later',
  '4h': '4 h later',
  '24h': '24 h later',
});

/** @param {string} horizon */
export const later = (horizon) => LATER[horizon] ?? horizon;

/**
 * The rows of a level, from the shortest horizon on.
 * @param {RecordRow[]} record
 * @param {import('@/lib/types.js').SignalLevel} level
 */
export const rowsOf = (record, level) => record.filter(({ signal }) => signal === level);

/**
 * @param {RecordRow[]} rows Of one level.
 * @returns {string} As "1 h later: right 47 of 100, as often as chance."
 */
export function sentence(rows) {
  const row = rows.find(({ horizon }) => horizon === SPOKEN);
  if (!row?.count) return 'None has been judged yet.';
  return `${later(SPOKEN)}: right ${row.right} of ${row.count}, ${verdict(row)}.`;
}

/**
 * Of what has a direction, by what it brought beyond the drift: where its interval holds 0, that
 * may be nothing.
 * @param {RecordRow} row With a count over 0.
 */
export function verdict({ signal, count, right, base_rate, interval_90_bp }) {
  const chance = base_rate ?? 0;
  if (signal === 'HOLD') return `where any time would be ${Math.round(chance * count)}`;
  if (!interval_90_bp) return 'too few to tell';
  const [low, high] = interval_90_bp;
  if (low > 0) return 'better than chance';
  if (high < 0) return 'worse than chance';
  if (Math.abs(right / count - chance) <= EQUAL) return 'as often as chance';
  return `where chance would be ${Math.round(chance * count)}, and may be chance, too`;
}

/**
 * Of whom the sentence speaks: of the symbol where that has enough to tell, else of all.
 * @param {RecordRow[]} own Rows of one level, of the symbol.
 * @param {RecordRow[]} all Likewise, of all symbols.
 */
export function spoken(own, all) {
  const enough = own.some(
    ({ horizon, interval_90_bp }) => horizon === SPOKEN && interval_90_bp !== null,
  );
  return enough ? own : all;
}

/** @param {RecordRow} row */
export const shareRight = ({ count, right }) => (count ? formatShare(right / count) : null);

/**
 * @param {import('@/lib/types.js').SignalLevel} level
 * @returns {string} As "Strong buy signals".
 */
export const signalsOf = (level) => `${humanise(level)} signals`;
