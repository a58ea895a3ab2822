/** A series that is shown, and what is heard of it. For fake timers. */
import { vi } from 'vitest';
import { CandleSeries } from '@/features/market/chart/candleSeries.js';

/**
 * @typedef {import('@/features/market/chart/bars.js').Bar} Bar
 * @typedef {import('./fakeServer.js').FakeServer} FakeServer
 */

/** A listener, and what it was last told. */
export function listening() {
  return {
    bars: /** @type {Bar[]} */ ([]),
    states: /** @type {string[]} */ ([]),
    growths: /** @type {Bar[]} */ ([]),
    onBars(/** @type {Bar[]} */ bars) {
      this.bars = [...bars];
    },
    onGrowth(/** @type {Bar} */ last) {
      this.growths.push(last);
    },
    onState(/** @type {string} */ state) {
      this.states.push(state);
    },
  };
}

/**
 * A bound series of a server, its first answer taken.
 * @param {FakeServer} server
 */
export async function bound(server, interval = '1m') {
  const series = new CandleSeries({ interval, load: server.load, now: () => Date.now() });
  const listener = listening();
  // As methods, since `this` is theirs.
  const unbind = series.bind({
    onBars: (bars) => listener.onBars(bars),
    onGrowth: (last) => listener.onGrowth(last),
    onState: (state) => listener.onState(state),
  });
  await vi.advanceTimersByTimeAsync(0);
  return { series, listener, unbind };
}

/**
 * Time that the series hears of, as from its store.
 * @param {CandleSeries} series
 * @param {number} ms
 */
export async function pass(series, ms) {
  for (let passed = 0; passed < ms; passed += 1000) {
    await vi.advanceTimersByTimeAsync(Math.min(1000, ms - passed));
    series.tick();
    await vi.advanceTimersByTimeAsync(0);
  }
}
