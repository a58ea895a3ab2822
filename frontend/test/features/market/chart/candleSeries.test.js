import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  CandleSeries,
  CANDLES,
  DRAW_EVERY_MS,
  RECONCILE_CANDLES,
  RECONCILE_MS,
} from '@/features/market/chart/candleSeries.js';
import { bar, MINUTE } from './someBars.js';

/** @typedef {import('@/features/market/chart/bars.js').Bar} Bar */

/** @type {CandleSeries} */
let series;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  series.stop();
  vi.useRealTimers();
});

/**
 * A series whose loads are answered so, in turn.
 * @param {(Bar[] | Error)[]} answers
 */
async function started(...answers) {
  /** @type {import('vitest').Mock<(count: number, signal: AbortSignal) => Promise<Bar[]>>} */
  const load = vi.fn(async () => {
    const answer = answers.shift() ?? [];
    if (answer instanceof Error) throw answer;
    return answer;
  });
  const listener = { onBars: vi.fn(), onBar: vi.fn(), onProblem: vi.fn() };
  series = new CandleSeries({ interval: '1m', load, ...listener });
  series.start();
  expect(listener.onBars.mock.calls).toEqual([[[], false]]);
  await vi.advanceTimersByTimeAsync(0);
  return { load, ...listener, counts: () => load.mock.calls.map(([count]) => count) };
}

describe('a candle series', () => {
  it('is loaded whole', async () => {
    const { onBars, onProblem, counts } = await started([bar(1), bar(2)]);
    expect(counts()).toEqual([CANDLES]);
    expect(onBars).toHaveBeenLastCalledWith([bar(1), bar(2)], true);
    expect(onProblem).toHaveBeenLastCalledWith(null);
  });

  it('grows with the price, and is drawn only now and then', async () => {
    const { onBar } = await started([bar(1)]);
    series.grow(13, MINUTE + 1);
    series.grow(11, MINUTE + 2);
    vi.advanceTimersByTime(DRAW_EVERY_MS - 1);
    expect(onBar).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(onBar.mock.calls).toEqual([[{ ...bar(1), high: 13, close: 11 }]]);
  });

  it('draws the last word of a candle before it begins the next', async () => {
    const { onBar } = await started([bar(1)]);
    series.grow(11, MINUTE + 1);
    series.grow(12, 2 * MINUTE);
    expect(onBar.mock.calls).toEqual([[bar(1, 11)]]);
    vi.advanceTimersByTime(DRAW_EVERY_MS);
    expect(onBar).toHaveBeenLastCalledWith({
      time: 2 * MINUTE,
      open: 12,
      high: 12,
      low: 12,
      close: 12,
      volume: 0,
    });
  });

  it('ignores a price that is older than its last candle, or comes before it is loaded', async () => {
    const { onBar } = await started([], [bar(5)]);
    series.grow(11, 5 * MINUTE);
    await vi.advanceTimersByTimeAsync(RECONCILE_MS);
    series.grow(11, 4 * MINUTE);
    await vi.advanceTimersByTimeAsync(DRAW_EVERY_MS);
    expect(onBar).not.toHaveBeenCalled();
  });

  it('is set right by the server’s last candles', async () => {
    const { onBars, counts } = await started([bar(1), bar(2)], [bar(2, 20), bar(3)]);
    await vi.advanceTimersByTimeAsync(RECONCILE_MS);
    expect(counts()).toEqual([CANDLES, RECONCILE_CANDLES]);
    expect(onBars).toHaveBeenLastCalledWith([bar(1), bar(2, 20), bar(3)], false);
  });

  it('draws nothing once more that all the candles have just shown', async () => {
    const { onBar } = await started([bar(1)], [bar(1, 11)]);
    vi.advanceTimersByTime(RECONCILE_MS - 1);
    series.grow(13, MINUTE + 1);
    await vi.advanceTimersByTimeAsync(1 + DRAW_EVERY_MS);
    expect(onBar).not.toHaveBeenCalled();
  });

  it('is loaded whole again when the page slept through more than that', async () => {
    const { onBars, counts } = await started([bar(1)], [bar(8)], [bar(1), bar(7), bar(8)]);
    await vi.advanceTimersByTimeAsync(RECONCILE_MS);
    expect(counts()).toEqual([CANDLES, RECONCILE_CANDLES, CANDLES]);
    expect(onBars).toHaveBeenLastCalledWith([bar(1), bar(7), bar(8)], true);
  });

  it('says why there is nothing, and tries again', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const { onProblem, counts } = await started(new Error('unreachable'), [], [bar(1)]);
    expect(onProblem).toHaveBeenLastCalledWith(expect.stringContaining('could not be loaded'));
    await vi.advanceTimersByTimeAsync(RECONCILE_MS);
    expect(onProblem).toHaveBeenLastCalledWith(expect.stringContaining('No candles'));
    await vi.advanceTimersByTimeAsync(RECONCILE_MS);
    expect(onProblem).toHaveBeenLastCalledWith(null);
    expect(counts()).toEqual([CANDLES, CANDLES, CANDLES]);
  });

  it('keeps what it has when the server is away for a while', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const { onBars, onProblem } = await started([bar(1)], new Error('unreachable'));
    await vi.advanceTimersByTimeAsync(RECONCILE_MS);
    expect(onBars).toHaveBeenLastCalledWith([bar(1)], true);
    expect(onProblem).toHaveBeenLastCalledWith(null);
  });

  it('asks for nothing while the tab is hidden', async () => {
    const { load } = await started([bar(1)]);
    vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
    await vi.advanceTimersByTimeAsync(2 * RECONCILE_MS);
    expect(load).toHaveBeenCalledOnce();
  });

  it('says nothing any more once stopped', async () => {
    const { load, onBars, onBar } = await started([bar(1)], [bar(1, 11)]);
    onBars.mockClear();
    vi.advanceTimersByTime(RECONCILE_MS - 1);
    series.grow(13, MINUTE + 1);
    vi.advanceTimersByTime(1);
    expect(load).toHaveBeenCalledTimes(2);
    series.stop();
    await vi.advanceTimersByTimeAsync(2 * RECONCILE_MS);
    expect(load).toHaveBeenCalledTimes(2);
    expect(load.mock.calls[1][1].aborted).toBe(true);
    expect(onBars).not.toHaveBeenCalled();
    expect(onBar).not.toHaveBeenCalled();
  });
});
