import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ASK_EVERY_MS,
  CANDLES,
  COMPARE_ALL_EVERY_MS,
  HURRY_EVERY_MS,
  OVERLAP,
} from '@/features/market/chart/candleSeries.js';
import { DRAW_EVERY_MS } from '@/features/market/chart/drawing.js';
import { bound, pass } from './boundSeries.js';
import { closedOf, FakeServer, since } from './fakeServer.js';
import { bar, MINUTE } from './someBars.js';

const TAIL = OVERLAP + 1;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('a candle series', () => {
  it('is loaded whole once, and from then on asks for the newest', async () => {
    const server = new FakeServer(600);
    const { series, listener } = await bound(server);
    expect(listener.bars).toEqual(server.bars.slice(-CANDLES));
    expect(listener.states).toEqual(['loading', 'current']);
    await pass(series, 2 * ASK_EVERY_MS);
    expect(server.asked).toEqual([CANDLES, TAIL, TAIL]);
  });

  it('moves its last bar with the price, and is drawn only now and then', async () => {
    const { series, listener } = await bound(new FakeServer(3));
    series.grow(13, 2 * MINUTE + 1);
    series.grow(11, 2 * MINUTE + 2);
    vi.advanceTimersByTime(DRAW_EVERY_MS - 1);
    expect(listener.growths).toEqual([]);
    vi.advanceTimersByTime(1);
    expect(listener.growths).toEqual([{ ...bar(2), high: 13, close: 11 }]);
  });

  it('never makes a bar of a price: it asks the server, at once', async () => {
    const server = new FakeServer(3);
    const { series, listener } = await bound(server);
    await pass(series, HURRY_EVERY_MS);
    server.close();
    series.grow(99, 3 * MINUTE);
    expect(server.asked).toEqual([CANDLES, 1 + TAIL]);
    await vi.advanceTimersByTimeAsync(0);
    expect(closedOf(listener.bars)).toEqual(closedOf(server.bars));
    expect(listener.bars.at(-1)).toEqual({ ...bar(3), high: 99, close: 99 });
  });

  it('has the forming bar’s volume from the server', async () => {
    const server = new FakeServer(3);
    const { series, listener } = await bound(server);
    server.bars[2] = { ...bar(2), volume: 5 };
    series.grow(11, 2 * MINUTE + 1);
    await pass(series, ASK_EVERY_MS);
    expect(listener.bars.at(-1)?.volume).toBe(5);
  });

  it('puts a price into the server’s bar only if it is as new', async () => {
    const server = new FakeServer(3);
    const { series, listener } = await bound(server);
    series.grow(12, 2 * MINUTE + 1);
    await pass(series, 1);
    server.bars[2] = bar(2, 11);
    await pass(series, ASK_EVERY_MS);
    expect(listener.bars.at(-1)?.close).toBe(11);
    server.holding = true;
    await pass(series, ASK_EVERY_MS);
    series.grow(10.5, 2 * MINUTE + 2);
    server.held.forEach((release) => release());
    await vi.advanceTimersByTimeAsync(0);
    expect(listener.bars.at(-1)?.close).toBe(10.5);
  });
});

describe('what a candle series missed', () => {
  it.each([1, 4, 60, 900])('is there after %i minutes of sleep', async (minutes) => {
    const server = new FakeServer(600);
    const { series, listener } = await bound(server);
    server.close(minutes);
    series.refresh();
    await vi.advanceTimersByTimeAsync(0);
    expect(listener.bars).toEqual(since(server, listener.bars));
    expect(listener.bars.length).toBeGreaterThanOrEqual(CANDLES);
  });

  it('is asked for as far as the price is ahead', async () => {
    const server = new FakeServer(600);
    const { series, listener } = await bound(server);
    await pass(series, HURRY_EVERY_MS);
    server.close(90);
    series.grow(10, 689 * MINUTE);
    await vi.advanceTimersByTimeAsync(0);
    expect(server.asked).toEqual([CANDLES, 90 + TAIL]);
    expect(listener.bars).toEqual(server.bars.slice(-CANDLES - 90));
  });

  it('never shows at 600 times the pace: each closed bar is the server’s at every instant', async () => {
    const server = new FakeServer(600);
    const { series, listener } = await bound(server);
    for (let step = 0; step < 300; step += 1) {
      server.close();
      const { time, close } = server.bars[server.bars.length - 2];
      series.grow(close, time + MINUTE - 1);
      await pass(series, 100);
      const shown = closedOf(listener.bars);
      expect(shown).toEqual(since(server, shown).slice(0, shown.length));
    }
    // No later than the next question.
    expect(server.bars.length - 600 - (listener.bars.length - CANDLES)).toBeLessThan(13);
    expect(server.asked.filter((count) => count === CANDLES)).toHaveLength(1);
  });

  it('is there when the server repaired a closed bar, near or far', async () => {
    const server = new FakeServer(600);
    const { series, listener } = await bound(server);
    server.bars[598] = bar(598, 11.5);
    await pass(series, ASK_EVERY_MS);
    expect(listener.bars).toEqual(server.bars.slice(-CANDLES));
    server.bars[300] = bar(300, 9.5);
    await pass(series, COMPARE_ALL_EVERY_MS + ASK_EVERY_MS);
    expect(listener.bars).toEqual(server.bars.slice(-CANDLES));
  });

  it('is there when another server answers, with another history', async () => {
    const server = new FakeServer(600);
    const { series, listener } = await bound(server);
    server.bars = server.bars.slice(0, 550).map(({ time }) => bar(time / MINUTE, 11));
    series.refresh();
    await vi.advanceTimersByTimeAsync(0);
    expect(listener.bars).toEqual(server.bars.slice(-CANDLES));
  });
});

describe('a candle series of another source', () => {
  it('takes the place of all that is held', async () => {
    const server = new FakeServer(600);
    const { series, listener } = await bound(server);
    // As far back as it goes, and beside the former one's in nothing but their times.
    server.bars = server.bars.slice(-40).map(({ time }) => bar(time / MINUTE, 11));
    series.renew();
    await vi.advanceTimersByTimeAsync(0);
    expect(listener.bars).toEqual(server.bars);
  });

  it('is asked for, and what the former one answers yet is not shown', async () => {
    const server = new FakeServer(600);
    const { series, listener } = await bound(server);
    server.holding = true;
    series.refresh();
    server.bars = server.bars.map(({ time }) => bar(time / MINUTE, 11));
    series.renew();
    server.holding = false;
    listener.bars = [];
    server.held.pop()?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(listener.bars).toEqual(server.bars.slice(-CANDLES));
  });
});

describe('a candle series of days', () => {
  it('begins with years', async () => {
    const server = new FakeServer(2000);
    const { listener } = await bound(server, '1d');
    expect(listener.bars).toEqual(server.bars.slice(-1500));
  });
});

describe('a candle series in trouble', () => {
  beforeEach(() => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
  });

  it('keeps what it has, says so, and is right again by itself', async () => {
    const server = new FakeServer(3);
    const { series, listener } = await bound(server);
    const before = listener.bars;
    server.reachable = false;
    await pass(series, 3 * ASK_EVERY_MS);
    expect(listener.bars).toEqual(before);
    expect(listener.states.at(-1)).toBe('unreachable');
    server.reachable = true;
    server.close(9);
    await pass(series, ASK_EVERY_MS);
    expect(listener.states.at(-1)).toBe('current');
    expect(listener.bars).toEqual(server.bars);
  });

  it('tries again when nothing could be loaded at first', async () => {
    const server = new FakeServer(3);
    server.reachable = false;
    const { series, listener } = await bound(server);
    server.reachable = true;
    await pass(series, ASK_EVERY_MS);
    expect(listener.bars).toEqual(server.bars);
    expect(listener.states).toEqual(['loading', 'unreachable', 'current']);
  });

  it('keeps what it has while a server that has just started has none', async () => {
    const server = new FakeServer(3);
    const { series, listener } = await bound(server);
    const before = server.bars;
    server.bars = [];
    series.refresh();
    await vi.advanceTimersByTimeAsync(0);
    expect(listener.bars).toEqual(before);
    expect(listener.states.at(-1)).toBe('empty');
  });

  it('asks less often for a bar that does not come, since nobody trades', async () => {
    const server = new FakeServer(3);
    const { series } = await bound(server);
    server.asked.length = 0;
    for (let second = 0; second < 60; second += 1) {
      series.grow(10, 3 * MINUTE + second);
      await pass(series, 1000);
    }
    expect(server.asked.length).toBeLessThan(60_000 / ASK_EVERY_MS + 4);
  });
});
