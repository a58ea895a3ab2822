/** Lines over the candles: moving averages and Bollinger bands of the closing prices. */
import { LineSeries, LineStyle } from 'lightweight-charts';
import { bollingerBands, movingAverage } from '@/lib/indicators.js';
import { seconds } from './chartTime.js';

export const AVERAGE_PERIODS = /** @type {const} */ ([20, 50]);
export const BOLLINGER = { period: 20, width: 2 };

/** @typedef {import('./bars.js').Bar} Bar */

export class Overlays {
  /**
   * @param {import('lightweight-charts').IChartApi} chart
   * @param {import('lightweight-charts').SeriesPartialOptionsMap['Line']} options Of each line.
   */
  constructor(chart, options) {
    const line = /** @type {const} */ ({ ...options, lineWidth: 1 });
    this._averages = AVERAGE_PERIODS.map(() => chart.addSeries(LineSeries, line));
    this._upper = chart.addSeries(LineSeries, { ...line, lineStyle: LineStyle.Dotted });
    this._lower = chart.addSeries(LineSeries, { ...line, lineStyle: LineStyle.Dotted });
  }

  /** @param {import('./palette.js').Palette} palette */
  setPalette(palette) {
    this._averages[0].applyOptions({ color: palette.accent });
    this._averages[1].applyOptions({ color: palette.caution });
    this._upper.applyOptions({ color: palette.band });
    this._lower.applyOptions({ color: palette.band });
  }

  /** @param {{ averages: boolean, bollinger: boolean }} visible */
  setVisible({ averages, bollinger }) {
    for (const series of this._averages) series.applyOptions({ visible: averages });
    this._upper.applyOptions({ visible: bollinger });
    this._lower.applyOptions({ visible: bollinger });
  }

  /** @param {Bar[]} bars Oldest first. */
  setBars(bars) {
    const closes = bars.map(({ close }) => close);
    AVERAGE_PERIODS.forEach((period, index) => {
      const values = movingAverage(closes, period);
      this._averages[index].setData(points(bars, (at) => values[at]));
    });
    const bands = bollingerBands(closes, BOLLINGER.period, BOLLINGER.width);
    this._upper.setData(points(bars, (at) => bands[at]?.upper ?? null));
    this._lower.setData(points(bars, (at) => bands[at]?.lower ?? null));
  }

  /** @param {Bar[]} bars Of which the last one changed, or is new. */
  updateLast(bars) {
    const time = seconds(bars[bars.length - 1].time);
    const closes = bars.slice(-Math.max(...AVERAGE_PERIODS)).map(({ close }) => close);
    AVERAGE_PERIODS.forEach((period, index) => {
      const value = movingAverage(closes, period).at(-1);
      if (typeof value === 'number') this._averages[index].update({ time, value });
    });
    const band = bollingerBands(
      closes.slice(-BOLLINGER.period),
      BOLLINGER.period,
      BOLLINGER.width,
    ).at(-1);
    if (band) {
      this._upper.update({ time, value: band.upper });
      this._lower.update({ time, value: band.lower });
    }
  }
}

/**
 * @param {Bar[]} bars
 * @param {(at: number) => number | null} valueAt
 */
function points(bars, valueAt) {
  return bars.flatMap(({ time }, at) => {
    const value = valueAt(at);
    return value === null ? [] : [{ time: seconds(time), value }];
  });
}
