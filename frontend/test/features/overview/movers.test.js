import { expect, it } from 'vitest';
import { moversOf } from '@/features/overview/movers.js';

/** @param {Record<string, number>} changes */
const market = (changes) =>
  Object.fromEntries(
    Object.entries(changes).map(([symbol, change]) => [
      symbol,
      {
        symbol,
        price: 1,
        change_24h: change,
        volume_24h: 1,
        timestamp: '2026-01-01T00:00:00.000Z',
      },
    ]),
  );

it('lists only what rose as risen, and only what fell as fallen', () => {
  const quotes = market({ A: 2, B: 1, C: 0, D: -1, E: -2, F: -3, G: -4 });
  expect(moversOf(quotes, Object.keys(quotes), 3)).toEqual({
    known: true,
    up: ['A', 'B'],
    down: ['G', 'F', 'E'],
  });
});

it('needs one price, and says whether there is any', () => {
  expect(moversOf(market({ A: 1 }), ['A', 'B'], 3)).toEqual({ known: true, up: ['A'], down: [] });
  expect(moversOf({}, ['A', 'B'], 3)).toEqual({ known: false, up: [], down: [] });
});
