import { describe, expect, it } from 'vitest';
import { rowsOf, sentence, spoken } from '@/features/market/record/words.js';

/** @typedef {import('@/lib/types.js').RecordRow} RecordRow */

/**
 * @param {Partial<RecordRow>} [fields]
 * @returns {RecordRow}
 */
const row = (fields = {}) => ({
  signal: 'BUY',
  horizon: '1h',
  count: 100,
  right: 47,
  base_rate: 0.49,
  mean_excess_bp: 1.5,
  interval_90_bp: [-3, 6],
  left_out: 0,
  ...fields,
});

describe('the sentence of a record', () => {
  it.each([
    [{}, '1 h later: right 47 of 100, as often as chance.'],
    [{ right: 61, interval_90_bp: [2, 9] }, '1 h later: right 61 of 100, better than chance.'],
    [{ right: 40, interval_90_bp: [-9, -2] }, '1 h later: right 40 of 100, worse than chance.'],
    [
      { right: 40 },
      '1 h later: right 40 of 100, where chance would be 49, and may be chance, too.',
    ],
    [{ count: 7, right: 6, interval_90_bp: null }, '1 h later: right 6 of 7, too few to tell.'],
    [
      { signal: 'HOLD', count: 10, right: 8, base_rate: 0.63 },
      '1 h later: right 8 of 10, where any time would be 6.',
    ],
    [{ count: 0, right: 0, base_rate: null }, 'None has been judged yet.'],
  ])('says of %o: %s', (fields, text) => {
    expect(
      sentence([row({ horizon: '15m' }), row(/** @type {Partial<RecordRow>} */ (fields))]),
    ).toBe(text);
  });

  it('says nothing of no rows', () => {
    expect(sentence([])).toBe('None has been judged yet.');
  });

  it('speaks of the symbol where that is enough, else of all', () => {
    const all = [row()];
    const own = [row({ count: 50 })];
    expect(spoken(own, all)).toBe(own);
    expect(spoken([row({ interval_90_bp: null })], all)).toBe(all);
    expect(spoken([row({ horizon: '15m' })], all)).toBe(all);
  });

  it('takes the rows of a level in their order', () => {
    const rows = [row({ horizon: '15m' }), row({ signal: 'SELL' }), row()];
    expect(rowsOf(rows, 'BUY').map(({ horizon }) => horizon)).toEqual(['15m', '1h']);
  });
});
