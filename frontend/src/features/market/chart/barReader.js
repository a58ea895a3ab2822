/** Which bar is read, by pointer or by keyboard; told again whenever it changes under the reader. */
import { indexOfBar } from './bars.js';
import { seconds } from './chartTime.js';
import { revealing } from './place.js';

/** @typedef {import('./bars.js').Bar} Bar */

export class BarReader {
  /**
   * @param {import('lightweight-charts').IChartApi} chart
   * @param {import('lightweight-charts').ISeriesApi<'Candlestick'>} candles
   */
  constructor(chart, candles) {
    this._chart = chart;
    this._candles = candles;
    /** @type {Bar[]} */
    this._bars = [];
    /** @type {number | null} Its opening, epoch in ms. */
    this._time = null;
    /** @type {(bar: Bar | null) => void} */
    this._onRead = () => {};
    chart.subscribeCrosshairMove(({ time }) => {
      this._time = time === undefined ? null : Number(time) * 1000;
      this._tell();
    });
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
    if (this._time !== null) this._tell();
  }

  /**
   * Read another bar, and bring it into view.
   * @param {number} step Bars to the right; infinite for the first one or the last one.
   */
  move(step) {
    const timeScale = this._chart.timeScale();
    const range = timeScale.getVisibleLogicalRange();
    const end = this._bars.length - 1;
    if (!range || end < 0) return;
    // Reading begins with the newest bar in view.
    const from =
      this._time === null
        ? Math.min(end, Math.floor(range.to)) + 1
        : indexOfBar(this._bars, this._time);
    const index = Math.min(end, Math.max(0, from + step));
    const { time, close } = this._bars[index];
    timeScale.setVisibleLogicalRange(revealing(range, index));
    this._chart.setCrosshairPosition(close, seconds(time), this._candles);
    this._time = time;
    this._tell();
  }

  clear() {
    this._chart.clearCrosshairPosition();
    this._time = null;
    this._tell();
  }

  _tell() {
    const bar = this._time === null ? null : this._bars[indexOfBar(this._bars, this._time)];
    this._onRead(bar ?? null);
  }
}
