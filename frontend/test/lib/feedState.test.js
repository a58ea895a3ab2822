import { expect, it } from 'vitest';
import { describeChange, describeFeed } from '@/lib/feedState.js';

/** @type {import('@/lib/types.js').FeedStatus} */
const LIVE = {
  state: 'live',
  since: '2026-01-01T00:00:00.000Z',
  detail: '',
  stale: false,
  last_data: null,
  unlisted: [],
  replay: null,
};
const REPLAY = { speed: 60, loop: false, position: null, begin: null, end: null };

it('calls only a live market live', () => {
  expect(describeFeed(LIVE)).toEqual({ word: 'Live', tone: 'live' });
  expect(describeFeed({ ...LIVE, replay: REPLAY }).tone).toBe('playing');
  for (const state of /** @type {const} */ (['connecting', 'reconnecting', 'ended', 'stopped'])) {
    expect(describeFeed({ ...LIVE, state }).tone).toBe('trouble');
    expect(describeFeed({ ...LIVE, state, replay: REPLAY }).tone).toBe('trouble');
  }
  expect(describeFeed({ ...LIVE, stale: true }).tone).toBe('trouble');
});

it('says in words that another source leads', () => {
  const change = { from: 'binance', to: 'kraken', at: 0 };
  expect(describeChange(change)).toBe('Kraken in place of Binance');
});
