/** Which bar is read, by pointer or by keyboard; told again whenever it changes under the reader. */
import { indexOfBar } from './bars.js';
import { seconds } from './chartTime.js';
import { revealing } from './place.js';

/** @typedef {import('./bars.js').Bar} Bar */

export class BarReader {
  /**
   * @param {import('lightweight-charts').IChartApi} chart
   * @param {import('lightweight-charts').ISeriesApi<'Candlestick'>} candles
   * @param {import('./visibleRange.js').VisibleRange} visible
   */
  constructor(chart, candles, visible) {
    this._visible = visible;
    this._chart = chart;
    this._candles = candles;
    /** @type {Bar[]} */
    this._bars = [];
    /** @type {number | null} Its opening, epoch in ms. */
    this._time = null;
    this._byKeyboard = false;
    /** @type {(bar: Bar | null) => void} */
    this._onRead = () => {};
    chart.subscribeCrosshairMove(({ time, sourceEvent }) => {
      // When the bars move under it, the crosshair stays at its pixel; the keyboard's stays at its bar.
      if (this._byKeyboard && !sourceEvent) return;
      this._byKeyboard = false;
      this._time = time === undefined ? null : Number(time) * 1000;
      this._tell();
    });
    visible.onChange(() => this._place());
  }

  /**
   * Hear the bar that is read, and null when none is any more.
   * @param {(bar: Bar | null) => void} callback
   */
  onRead(callback) {
    this._onRead = callback;
  }

  /** @param {Bar[]} bars Oldest first; the same array may have changed. */
  setBars(bars) {
    this._bars = bars;
    if (this._time === null) return;
    this._place();
    this._tell();
  }

  /**
   * Read another bar, and bring it into view.
   * @param {number} step Bars to the right; infinite for the first one or the last one.
   */
  move(step) {
    const range = this._visible.get();
    const end = this._bars.length - 1;
    if (!range || end < 0) return;
    // Reading begins with the newest bar in view.
    const from =
      this._time === null
        ? Math.min(end, Math.floor(range.to)) + 1
        : indexOfBar(this._bars, this._time);
    const index = Math.min(end, Math.max(0, from + step));
    this._time = this._bars[index].time;
    this._byKeyboard = true;
    this._visible.set(revealing(range, index));
    this._place();
    this._tell();
  }

  clear() {
    this._byKeyboard = false;
    this._time = null;
    this._chart.clearCrosshairPosition();
    this._tell();
  }

  /** @returns {Bar | null} The one that is read. */
  get _bar() {
    return (this._time !== null && this._bars[indexOfBar(this._bars, this._time)]) || null;
  }

  /** Put the crosshair where the keyboard reads. */
  _place() {
    const bar = this._byKeyboard && this._bar;
    if (bar) this._chart.setCrosshairPosition(bar.close, seconds(bar.time), this._candles);
  }

  _tell() {
    this._onRead(this._bar);
  }
}
