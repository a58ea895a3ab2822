// @vitest-environment jsdom
import { act, renderHook } from '@testing-library/react';
import { beforeEach, expect, it, vi } from 'vitest';
import { useSentiment } from '@/features/overview/useSentiment.js';
import { getSentiment } from '@/lib/api.js';

vi.mock('@/lib/api.js', () => ({ getSentiment: vi.fn() }));

const DAILY = { value: 41, components: {}, timestamp: '2026-11-23T00:00:00.000Z', history: [] };

let day = 20;

beforeEach(() => {
  // Later each time: the last answer of the test before is still known.
  vi.useFakeTimers({ now: Date.UTC(2026, 10, (day += 3), 12) });
  return () => vi.useRealTimers();
});

const reading = (/** @type {string} */ timestamp) =>
  /** @type {import('@/lib/types.js').Sentiment} */ (
    /** @type {unknown} */ ({ id: timestamp, market_fear_greed: 50, timestamp })
  );
const READINGS = [reading('2026-11-23T11:45:00.000Z'), reading('2026-11-23T11:30:00.000Z')];

/** @param {typeof DAILY | null} daily */
const answer = (daily, history = READINGS) =>
  vi.mocked(getSentiment).mockImplementation(async () => ({ latest: null, history, daily }));

const passes = (/** @type {number} */ ms) => act(() => vi.advanceTimersByTimeAsync(ms));

it('looks for a daily index until there is one', async () => {
  answer(null);
  const { result } = renderHook(() => useSentiment());
  await passes(3 * 60_000);
  expect(result.current.daily).toBeNull();
  answer(DAILY);
  await passes(61_000);
  expect(result.current.daily).toEqual(DAILY);
});

it('looks ever more seldom where there is none', async () => {
  answer(null);
  const { result } = renderHook(() => useSentiment());
  await passes(0);
  const before = vi.mocked(getSentiment).mock.calls.length;
  const asked = () => vi.mocked(getSentiment).mock.calls.length - before;
  await passes(60_000);
  expect(asked()).toBe(2);
  await passes(59 * 60_000);
  expect(asked()).toBe(7);
  await passes(10 * 3_600_000);
  expect(asked()).toBe(11);
  answer(DAILY);
  await passes(24 * 3_600_000);
  expect(result.current.daily).toEqual(DAILY);
});

it('looks for readings of before until there are some', async () => {
  answer(DAILY, []);
  renderHook(() => useSentiment());
  await passes(0);
  const before = vi.mocked(getSentiment).mock.calls.length;
  answer(DAILY);
  await passes(61_000);
  const settled = vi.mocked(getSentiment).mock.calls.length;
  expect(settled).toBeGreaterThan(before);
  await passes(10 * 60_000);
  expect(getSentiment).toHaveBeenCalledTimes(settled);
});

it('asks for the next one when the day is over, and not before', async () => {
  answer(DAILY);
  const { result } = renderHook(() => useSentiment());
  await passes(0);
  const before = vi.mocked(getSentiment).mock.calls.length;
  await passes(11 * 3_600_000);
  expect(getSentiment).toHaveBeenCalledTimes(before);
  answer({ ...DAILY, value: 50 });
  await passes(3_600_000 + 62_000);
  expect(result.current.daily?.value).toBe(50);
});
