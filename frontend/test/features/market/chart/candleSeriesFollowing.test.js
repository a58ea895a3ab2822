import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  ASK_EVERY_MS,
  CANDLES,
  COMPARE_ALL_EVERY_MS,
  OVERLAP,
} from '@/features/market/chart/candleSeries.js';
import { DRAW_EVERY_MS } from '@/features/market/chart/drawing.js';
import { BARS_MAX, PAGE, RETRY_AFTER_MS } from '@/features/market/chart/olderBars.js';
import { bound, pass } from './boundSeries.js';
import { closedOf, FakeServer, since } from './fakeServer.js';
import { bar, MINUTE } from './someBars.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/**
 * A series that the stream says all changes of.
 * @param {FakeServer} server
 */
async function followed(server) {
  const shown = await bound(server);
  shown.series.follow();
  await vi.advanceTimersByTimeAsync(0);
  server.asked.length = 0;
  /** The stream says what the server has from a bar on. */
  const say = (/** @type {number} */ from) => {
    for (const each of server.bars.slice(from)) {
      shown.series.hear(each, each !== server.bars.at(-1));
    }
  };
  return { ...shown, say };
}

const drawn = () => vi.advanceTimersByTimeAsync(DRAW_EVERY_MS);

describe('a candle series that is followed', () => {
  it('asks for nothing, and is what the stream says', async () => {
    const server = new FakeServer(600);
    const { series, listener, say } = await followed(server);
    server.close(3);
    say(599);
    await drawn();
    expect(listener.growths.map(({ time }) => time / MINUTE)).toEqual([599, 600, 601, 602]);
    series.grow(10, 700 * MINUTE);
    await pass(series, COMPARE_ALL_EVERY_MS + ASK_EVERY_MS);
    expect(server.asked).toEqual([]);
  });

  it('has what was repaired, or was missing, in its place', async () => {
    const server = new FakeServer(600);
    const missing = server.bars.splice(500, 1)[0];
    const { series, listener } = await followed(server);
    server.bars.splice(500, 0, missing);
    server.bars[400] = bar(400, 11);
    series.hear(missing, true);
    series.hear(server.bars[400], true);
    series.hear(bar(1, 11), true); // of before what is held
    await drawn();
    expect(listener.bars).toEqual(since(server, listener.bars));
    expect(listener.bars).toHaveLength(CANDLES + 1);
  });

  it('leaves a closed bar as the server said it', async () => {
    const server = new FakeServer(600);
    const { series, listener } = await followed(server);
    server.bars[599] = bar(599, 11);
    series.hear(server.bars[599], true);
    series.grow(12, 599 * MINUTE + 1);
    await drawn();
    expect(listener.growths).toEqual([bar(599, 11)]);
  });

  it('puts what it hears while it asks over the answer, and finds nothing amiss', async () => {
    const server = new FakeServer(600);
    const { series, listener, say } = await followed(server);
    server.holding = true;
    series.refresh();
    server.close(4);
    say(599);
    server.held.forEach((release) => release());
    await vi.advanceTimersByTimeAsync(0);
    expect(server.asked).toEqual([OVERLAP + 1]);
    expect(listener.bars).toEqual(since(server, listener.bars));
    // What was on its way when the answer was made.
    series.hear(bar(601, 9), false);
    await drawn();
    expect(closedOf(listener.bars)).toEqual(closedOf(since(server, listener.bars)));
  });

  it('compares everything once it is followed again, and asks as ever until then', async () => {
    const server = new FakeServer(600);
    const { series, listener } = await followed(server);
    series.lose();
    await pass(series, ASK_EVERY_MS);
    expect(server.asked).toEqual([OVERLAP + 1]);
    server.bars[300] = bar(300, 11);
    await pass(series, ASK_EVERY_MS);
    series.follow();
    await vi.advanceTimersByTimeAsync(0);
    expect(server.asked.at(-1)).toBe(CANDLES);
    expect(listener.bars).toEqual(since(server, listener.bars));
  });
});

describe('the bars before those of a candle series', () => {
  it('come page by page, until there are none', async () => {
    const server = new FakeServer(CANDLES + PAGE + 20 - 1);
    const { series, listener } = await followed(server);
    for (let page = 0; page < 5; page += 1) {
      series.loadOlder();
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(listener.bars).toEqual(server.bars);
    expect(server.asked).toEqual([PAGE, PAGE, PAGE]);
  });

  it('stay while it grows, and go when nobody looks', async () => {
    const server = new FakeServer(3 * PAGE);
    const { series, listener, say, unbind } = await followed(server);
    series.loadOlder();
    await vi.advanceTimersByTimeAsync(0);
    const first = listener.bars[0];
    server.close();
    say(3 * PAGE - 1);
    series.refresh();
    await vi.advanceTimersByTimeAsync(0);
    expect(listener.bars[0]).toEqual(first);
    unbind();
    series.bind({ ...listener, onBars: (bars) => listener.onBars(bars), onState() {} });
    expect(listener.bars).toHaveLength(2 * CANDLES);
  });

  it('are there once the server has loaded them, with the first one whole', async () => {
    const server = new FakeServer(700);
    const all = server.bars;
    server.bars = [bar(690, 11), ...all.slice(691)];
    const { series, listener } = await followed(server);
    series.loadOlder();
    await pass(series, RETRY_AFTER_MS - 1000);
    server.bars = all;
    await pass(series, 1000);
    expect(listener.bars).toEqual(all);
    expect(server.asked).toEqual([PAGE, PAGE]);
  });

  it('are asked for ever more rarely where there are none', async () => {
    const server = new FakeServer(20);
    const { series } = await followed(server);
    series.loadOlder();
    await pass(series, 30 * RETRY_AFTER_MS);
    expect(server.asked).toHaveLength(5);
  });

  it('are asked for again when that failed, as long as somebody wants them', async () => {
    vi.spyOn(console, 'warn').mockImplementation(() => {});
    const server = new FakeServer(2 * PAGE);
    const { series, listener } = await followed(server);
    server.reachable = false;
    series.loadOlder();
    await vi.advanceTimersByTimeAsync(0);
    server.reachable = true;
    await pass(series, RETRY_AFTER_MS);
    expect(listener.bars).toEqual(server.bars.slice(-CANDLES - PAGE + 1));
  });

  it('are bounded', async () => {
    const server = new FakeServer(BARS_MAX + 3 * PAGE);
    const { series, listener } = await followed(server);
    for (let page = 0; page < BARS_MAX / PAGE + 3; page += 1) {
      series.loadOlder();
      await vi.advanceTimersByTimeAsync(0);
    }
    expect(listener.bars.length).toBeLessThan(BARS_MAX + PAGE);
  });
});
