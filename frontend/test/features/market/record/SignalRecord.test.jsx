// @vitest-environment jsdom
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { afterEach, expect, it, vi } from 'vitest';
import { SignalRecord } from '@/features/market/record/SignalRecord.jsx';
import { streamStore } from '@/lib/streamStore.js';

const HORIZONS = ['15m', '1h', '4h', '24h'];
const LEVELS = ['STRONG_SELL', 'SELL', 'HOLD', 'BUY', 'STRONG_BUY'];

/** @param {number} count Of each level and horizon, a BUY's half of it right. */
const answer = (count) => ({
  record: HORIZONS.flatMap((horizon) =>
    LEVELS.map((signal) => ({
      signal,
      horizon,
      count,
      right: signal === 'BUY' ? count / 2 : 0,
      base_rate: 0.48,
      mean_excess_bp: 12.4,
      interval_90_bp: count < 50 ? null : [-3, 20],
      left_out: 0,
    })),
  ),
});

/** @param {number} own @param {number} all */
function serve(own, all) {
  /** @type {string[]} */
  const asked = [];
  vi.stubGlobal('fetch', (/** @type {string} */ path) => {
    asked.push(path);
    const found = answer(path.includes('symbol=') ? own : all);
    return Promise.resolve(new Response(JSON.stringify(found)));
  });
  return asked;
}

/** @param {string} symbol */
const say = (symbol) =>
  streamStore.addHistory([
    {
      id: `${symbol}-1`,
      symbol,
      timeframe: '1h',
      signal: 'BUY',
      strength: 0.7,
      reason: 'Volume surge observed',
      timestamp: '2026-11-26T12:00:00.000Z',
    },
  ]);

afterEach(() => {
  vi.unstubAllGlobals();
});

it('stands beside a signal in plain words, with a table on request', async () => {
  const asked = serve(60, 1200);
  say('BTC');
  render(<SignalRecord symbol="BTC" />);
  const sentence = await screen.findByText(/right 30 of 60, as often as chance/);
  expect(sentence.textContent).toContain('Buy signals on 1h, BTC, 30 days:');
  expect(asked).toEqual([
    '/api/signals/record?timeframe=1h&symbol=BTC',
    '/api/signals/record?timeframe=1h',
  ]);
  await userEvent.click(sentence);
  const [own, all] = screen.getAllByRole('table');
  expect(own.textContent).toContain('1 h later50 % of 6048 %+0.12 % (−0.03 % to +0.20 %)');
  expect(all.textContent).toContain('24 h later50 % of 1200');
});

it('speaks of all symbols where its own are too few', async () => {
  serve(4, 800);
  say('ETH');
  render(<SignalRecord symbol="ETH" />);
  const sentence = await screen.findByText(/right 400 of 800/);
  expect(sentence.textContent).toContain('all symbols');
});

it('says nothing of a symbol without a signal', () => {
  const asked = serve(1, 1);
  const { container } = render(<SignalRecord symbol="SOL" />);
  expect(container.textContent).toBe('');
  expect(asked).toEqual([]);
});
