import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ASK_EVERY_MS,
  CANDLES,
  CANDLES_GROWN,
  OVERLAP,
} from '@/features/market/chart/candleSeries.js';
import { bound, listening, pass } from './boundSeries.js';
import { FakeServer, since } from './fakeServer.js';
import { MINUTE } from './someBars.js';

const TAIL = OVERLAP + 1;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

describe('those who show a candle series', () => {
  it('share its questions and its bars', async () => {
    const server = new FakeServer(600);
    const { series, unbind } = await bound(server);
    const other = vi.fn();
    series.bind({ onBars: other, onGrowth: () => {}, onState: () => {} });
    expect(other.mock.calls[0][0]).toEqual(server.bars.slice(-CANDLES));
    unbind();
    await pass(series, ASK_EVERY_MS);
    expect(server.asked).toEqual([CANDLES, TAIL]);
  });

  it('don’t load it twice when they come and go while it is loading', async () => {
    const server = new FakeServer(3);
    server.holding = true;
    const { series, unbind } = await bound(server);
    unbind();
    const listener = listening();
    series.bind({
      onBars: (bars) => listener.onBars(bars),
      onGrowth: () => {},
      onState: () => {},
    });
    server.held.forEach((release) => release());
    await vi.advanceTimersByTimeAsync(0);
    expect(server.asked).toEqual([CANDLES]);
    expect(listener.bars).toEqual(server.bars);
  });

  it('hear nothing any more once unbound, and nobody is asked', async () => {
    const server = new FakeServer(3);
    const { series, listener, unbind } = await bound(server);
    series.grow(13, 2 * MINUTE + 1);
    unbind();
    await pass(series, 3 * ASK_EVERY_MS);
    expect(listener.growths).toEqual([]);
    expect(server.asked).toEqual([CANDLES]);
  });

  it('find it brought up to date when they come back', async () => {
    const server = new FakeServer(600);
    const { series, unbind } = await bound(server);
    unbind();
    server.close(30);
    const listener = listening();
    series.bind({
      onBars: (bars) => listener.onBars(bars),
      onGrowth: () => {},
      onState: (state) => listener.onState(state),
    });
    expect(listener.states).toEqual(['loading']);
    await vi.advanceTimersByTimeAsync(0);
    expect(listener.bars).toEqual(since(server, listener.bars));
  });

  it('hold a bounded number of bars, however long they look', async () => {
    const server = new FakeServer(600);
    const { series, listener } = await bound(server);
    for (let round = 0; round < 8; round += 1) {
      server.close(100);
      series.grow(10, (server.bars.length - 1) * MINUTE);
      await pass(series, ASK_EVERY_MS);
    }
    expect(listener.bars).toEqual(server.bars.slice(-CANDLES - CANDLES_GROWN));
  });
});
