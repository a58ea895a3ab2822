// @vitest-environment jsdom
import { act, render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Ratings } from '@/features/market/ratings/Ratings.jsx';
import { getRatings } from '@/lib/api.js';
import { streamStore } from '@/lib/streamStore.js';

vi.mock('@/lib/api.js', () => ({ getRatings: vi.fn() }));

const SIGNAL = {
  symbol: 'BTC',
  signal: /** @type {const} */ ('BUY'),
  strength: 0.6,
  reason: '',
  timestamp: '2026-11-23T10:00:00.000Z',
};

/** @returns {import('@/lib/types.js').Rating} */
const rating = (value = 54_321.987) => ({
  score: -0.1758,
  signal: 'SELL',
  moving_averages: { score: -0.5, buy: 0, hold: 1, sell: 1 },
  oscillators: { score: 1, buy: 1, hold: 0, sell: 0 },
  votes: [
    { name: 'SMA 10', value, vote: -1 },
    { name: 'EMA 200', value: null, vote: null },
    { name: 'Ichimoku 9-26-52', value, vote: 0 },
    { name: 'Awesome oscillator', value: -value / 100, vote: 1 },
  ],
  candle_time: '2026-11-23T10:00:00.000Z',
});

const RATINGS = { '1m': rating(), '5m': rating(), '15m': rating(), '1h': rating(), '4h': null };

/** @param {string} symbol @param {Record<string, any>} ratings */
const answer = (symbol, ratings = { ...RATINGS, '1d': rating(4.52e-11) }) =>
  vi.mocked(getRatings).mockImplementation(async () => ({ symbol, ratings }));

beforeEach(() => {
  // The page's second, too; half a minute away from the next close.
  vi.useFakeTimers({ shouldAdvanceTime: true, now: Date.UTC(2026, 10, 23, 12, 0, 30) });
  answer('BTC');
});

afterEach(() => {
  vi.useRealTimers();
  streamStore.reset();
});

async function shown() {
  const user = userEvent.setup({ advanceTimers: vi.advanceTimersByTimeAsync });
  const { rerender } = render(<Ratings symbol="BTC" />);
  await screen.findAllByText('−0.18');
  return { user, rerender };
}

/** @param {string} timeframe */
const frame = (timeframe) => screen.getByRole('button', { name: new RegExp(`^${timeframe}`) });

it('has a level and a score for each timeframe, and says where there are too few candles', async () => {
  await shown();
  expect(frame('1m').textContent).toMatch(/Sell.*−0\.18/);
  expect(frame('4h').textContent).toContain('not enough candles');
  expect(screen.getAllByRole('listitem')).toHaveLength(6);
});

it('opens what a rating is made of, and closes it again', async () => {
  const { user } = await shown();
  await user.click(frame('1h'));
  expect(frame('1h').getAttribute('aria-expanded')).toBe('true');
  const averages = within(screen.getByRole('region', { name: 'Moving averages' }));
  expect(averages.getByText('1 sell')).toBeTruthy();
  expect(averages.getAllByRole('listitem').map(({ textContent }) => textContent)).toEqual([
    'SMA 1054,321.99▼Sell',
    'EMA 200–Needs more candles',
    'Ichimoku 9-26-5254,321.99●Hold',
  ]);
  const oscillators = within(screen.getByRole('region', { name: 'Oscillators' }));
  expect(oscillators.getByRole('listitem').textContent).toBe('Awesome oscillator−543.22▲Buy');
  await user.click(frame('1h'));
  expect(screen.queryByRole('region', { name: 'Oscillators' })).toBeNull();
});

it('writes indicators of the smallest prices', async () => {
  const { user } = await shown();
  await user.click(frame('1d'));
  const groups = screen.getAllByRole('list').map(({ textContent }) => textContent);
  expect(groups[1]).toContain('SMA 100.0₁₀45200');
  expect(groups[2]).toContain('−0.0₁₂45200');
});

it('says why there is nothing behind a timeframe without a rating', async () => {
  const { user } = await shown();
  await user.click(frame('4h'));
  expect(screen.getByText(/not enough candles of 4h yet/)).toBeTruthy();
});

it('marks the timeframe that the signal speaks of, where it says', async () => {
  await shown();
  const say = (/** @type {object} */ more) =>
    act(async () => {
      streamStore.ingest('trading_signal', { ...SIGNAL, ...more });
      await vi.advanceTimersByTimeAsync(1000);
    });
  await say({ id: 'one' });
  expect(screen.queryByText('signal')).toBeNull();
  await say({ id: 'two', timeframe: '15m', timestamp: '2026-11-23T10:01:00.000Z' });
  expect(within(frame('15m')).getByText('signal')).toBeTruthy();
  expect(screen.getAllByText('signal')).toHaveLength(1);
});

it('asks anew once a minute, with a signal, and with another source', async () => {
  await shown();
  const asked = () => vi.mocked(getRatings).mock.calls.length;
  const passes = (/** @type {number} */ ms) => act(() => vi.advanceTimersByTimeAsync(ms));
  let before = asked();
  await passes(5 * 60_000);
  expect(asked()).toBe(before + 5);
  const quote = { symbol: 'BTC', price: 1, change_24h: 0, volume_24h: 0, timestamp: '' };
  before = asked();
  // What is known already when the page is opened.
  streamStore.ingest('trading_signal', { ...SIGNAL, id: 'one' });
  streamStore.ingest('market_update', { BTC: { ...quote, source: 'binance' } });
  await passes(1000);
  expect(asked()).toBe(before);
  streamStore.ingest('trading_signal', { ...SIGNAL, id: 'two' });
  await passes(1000);
  expect(asked()).toBe(before + 1);
  streamStore.ingest('market_update', { BTC: { ...quote, source: 'kraken' } });
  await passes(1000);
  expect(asked()).toBe(before + 2);
});

it('asks nothing in a hidden tab, and at once when it is shown', async () => {
  await shown();
  const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  const before = vi.mocked(getRatings).mock.calls.length;
  await act(() => vi.advanceTimersByTimeAsync(5 * 60_000));
  expect(getRatings).toHaveBeenCalledTimes(before);
  hidden.mockReturnValue(false);
  await act(() => vi.advanceTimersByTimeAsync(1000));
  expect(getRatings).toHaveBeenCalledTimes(before + 1);
});

it('never shows a rating under another symbol’s name', async () => {
  const { rerender } = await shown();
  vi.mocked(getRatings).mockReturnValue(new Promise(() => {}));
  rerender(<Ratings symbol="ETH" />);
  expect(screen.queryByText('−0.18')).toBeNull();
});
