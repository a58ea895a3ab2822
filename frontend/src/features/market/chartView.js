/**
 * The chart itself, driven from outside and never by a render: lightweight-charts with candles,
 * volume, averages, bands and signal marks.
 */
import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  CrosshairMode,
  HistogramSeries,
  LineSeries,
  LineStyle,
  TickMarkType,
} from 'lightweight-charts';
import { formatPrice } from '@/lib/format.js';
import { bollingerBands, movingAverage } from '@/lib/indicators.js';

export const AVERAGE_PERIODS = /** @type {const} */ ([20, 50]);
export const BOLLINGER = { period: 20, width: 2 };
/** Bars shown at first, so that each is some pixels wide. */
const VISIBLE_BARS = 120;
const RIGHT_MARGIN_BARS = 4;
const VOLUME_SHARE = 0.18;

/**
 * @typedef {import('./bars.js').Bar} Bar
 * @typedef {import('lightweight-charts').UTCTimestamp} UTCTimestamp
 * @typedef {Record<'text' | 'muted' | 'line' | 'up' | 'down' | 'accent' | 'caution' | 'band' | 'surface', string>} Palette
 */

/** @param {number} ms */
const seconds = (ms) => /** @type {UTCTimestamp} */ (ms / 1000);

/** The stylesheet's colours, resolved for the theme in force: a canvas knows no custom properties. */
function readPalette() {
  const probe = document.createElement('span');
  document.body.append(probe);
  const names = /** @type {const} */ ([
    'text',
    'muted',
    'line',
    'up',
    'down',
    'accent',
    'caution',
    'band',
    'surface',
  ]);
  const palette = Object.fromEntries(
    names.map((name) => {
      probe.style.color = `var(--${name})`;
      return [name, getComputedStyle(probe).color];
    }),
  );
  probe.remove();
  return /** @type {Palette} */ (palette);
}

/** The stylesheet's smallest text in pixels, which grows with very wide screens. */
function fontSize() {
  return Math.round(0.7 * parseFloat(getComputedStyle(document.documentElement).fontSize));
}

/**
 * @param {string} colour `rgb(r, g, b)`.
 * @param {number} alpha
 */
function faded(colour, alpha) {
  return colour.replace(/^rgb\((.+)\)$/, `rgba($1, ${alpha})`);
}

/**
 * @param {import('lightweight-charts').Time} time
 * @param {TickMarkType} type
 */
function formatTick(time, type) {
  const date = new Date(Number(time) * 1000);
  if (type === TickMarkType.Year) return String(date.getFullYear());
  if (type === TickMarkType.Month) return date.toLocaleDateString('en-GB', { month: 'short' });
  if (type === TickMarkType.DayOfMonth) {
    return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
  }
  return date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}

/** @param {import('lightweight-charts').Time} time */
function formatMoment(time) {
  return new Date(Number(time) * 1000).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
}

export class ChartView {
  /** @param {HTMLElement} container */
  constructor(container) {
    this._chart = createChart(container, {
      autoSize: true,
      // The page itself shows the attribution, as a link that every reader can reach.
      layout: {
        attributionLogo: false,
        background: { color: 'transparent' },
        fontSize: fontSize(),
      },
      grid: { vertLines: { visible: false } },
      crosshair: { mode: CrosshairMode.Magnet },
      localization: { timeFormatter: formatMoment },
      timeScale: {
        timeVisible: true,
        rightOffset: RIGHT_MARGIN_BARS,
        tickMarkFormatter: formatTick,
      },
    });
    const quiet = {
      lastValueVisible: false,
      priceLineVisible: false,
      crosshairMarkerVisible: false,
    };
    this._candles = this._chart.addSeries(CandlestickSeries);
    this._volume = this._chart.addSeries(HistogramSeries, {
      ...quiet,
      priceScaleId: 'volume',
      priceFormat: { type: 'volume' },
    });
    this._chart
      .priceScale('volume')
      .applyOptions({ scaleMargins: { top: 1 - VOLUME_SHARE, bottom: 0 } });
    this._chart
      .priceScale('right')
      .applyOptions({ scaleMargins: { top: 0.08, bottom: VOLUME_SHARE + 0.04 } });
    const line = /** @type {const} */ ({ ...quiet, lineWidth: 1 });
    this._averages = AVERAGE_PERIODS.map(() => this._chart.addSeries(LineSeries, line));
    this._upper = this._chart.addSeries(LineSeries, { ...line, lineStyle: LineStyle.Dotted });
    this._lower = this._chart.addSeries(LineSeries, { ...line, lineStyle: LineStyle.Dotted });
    this._markers = createSeriesMarkers(this._candles, []);
    /** @type {Bar[]} */
    this._bars = [];
    /** @type {import('@/lib/types.js').TradingSignal[]} */
    this._signals = [];
    /** @type {number | null} */
    this._focused = null;
    this._palette = readPalette();
    this.applyTheme();
  }

  destroy() {
    this._chart.remove();
  }

  applyTheme() {
    const palette = readPalette();
    this._palette = palette;
    this._chart.applyOptions({
      layout: {
        textColor: palette.muted,
        fontFamily: getComputedStyle(document.body).fontFamily,
      },
      grid: { horzLines: { color: palette.line } },
      rightPriceScale: { borderColor: palette.line },
      timeScale: { borderColor: palette.line },
      crosshair: {
        vertLine: { color: palette.muted, labelBackgroundColor: palette.accent },
        horzLine: { color: palette.muted, labelBackgroundColor: palette.accent },
      },
    });
    this._candles.applyOptions({
      upColor: palette.up,
      downColor: palette.down,
      wickUpColor: palette.up,
      wickDownColor: palette.down,
      borderVisible: false,
    });
    this._averages[0].applyOptions({ color: palette.accent });
    this._averages[1].applyOptions({ color: palette.caution });
    this._upper.applyOptions({ color: palette.band });
    this._lower.applyOptions({ color: palette.band });
    this._drawVolume();
    this._drawSignals();
  }

  /** @param {number} decimals Of the price scale. */
  setPrecision(decimals) {
    const formatter = (/** @type {number} */ price) => formatPrice(price, decimals);
    this._candles.applyOptions({
      priceFormat: { type: 'custom', formatter, minMove: 10 ** -decimals },
    });
  }

  /**
   * @param {Bar[]} bars Oldest first.
   * @param {{ rewind?: boolean }} [options] `rewind` shows the newest bars, as for a new symbol.
   */
  setBars(bars, { rewind = false } = {}) {
    this._bars = [...bars];
    this._candles.setData(bars.map((bar) => ({ ...bar, time: seconds(bar.time) })));
    this._drawVolume();
    const closes = bars.map(({ close }) => close);
    AVERAGE_PERIODS.forEach((period, index) => {
      const values = movingAverage(closes, period);
      this._averages[index].setData(this._points((at) => values[at]));
    });
    const bands = bollingerBands(closes, BOLLINGER.period, BOLLINGER.width);
    this._upper.setData(this._points((at) => bands[at]?.upper ?? null));
    this._lower.setData(this._points((at) => bands[at]?.lower ?? null));
    this._drawSignals();
    if (rewind) {
      this._chart.timeScale().setVisibleLogicalRange({
        from: bars.length - VISIBLE_BARS,
        to: bars.length + RIGHT_MARGIN_BARS,
      });
    }
  }

  /**
   * Change the last bar, or add one after it.
   * @param {Bar} bar
   */
  updateBar(bar) {
    const last = this._bars[this._bars.length - 1];
    if (last && bar.time < last.time) return;
    if (last?.time === bar.time) this._bars[this._bars.length - 1] = bar;
    else this._bars.push(bar);
    const time = seconds(bar.time);
    this._candles.update({ ...bar, time });
    this._volume.update(this._volumeOf(bar));
    const closes = this._bars.slice(-Math.max(...AVERAGE_PERIODS)).map(({ close }) => close);
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

  /** @param {{ averages: boolean, bollinger: boolean, signals: boolean }} overlays */
  setOverlays({ averages, bollinger, signals }) {
    for (const series of this._averages) series.applyOptions({ visible: averages });
    this._upper.applyOptions({ visible: bollinger });
    this._lower.applyOptions({ visible: bollinger });
    this._showSignals = signals;
    this._drawSignals();
  }

  /** @param {import('@/lib/types.js').TradingSignal[]} signals */
  setSignals(signals) {
    this._signals = signals;
    this._drawSignals();
  }

  /**
   * Hear the bar under the pointer, and null when it leaves.
   * @param {(bar: Bar | null) => void} callback
   */
  onCrosshair(callback) {
    this._chart.subscribeCrosshairMove(({ time }) => {
      if (time === undefined) return callback(null);
      callback(this._bars[this._indexOf(Number(time) * 1000)] ?? null);
    });
  }

  /**
   * Move the crosshair by bars, for the keyboard.
   * @param {number} step
   * @returns {Bar | null}
   */
  moveCrosshair(step) {
    if (this._bars.length === 0) return null;
    const end = this._bars.length - 1;
    this._focused = Math.min(end, Math.max(0, (this._focused ?? end + 1) + step));
    const bar = this._bars[this._focused];
    this._chart.setCrosshairPosition(bar.close, seconds(bar.time), this._candles);
    return bar;
  }

  clearCrosshair() {
    this._focused = null;
    this._chart.clearCrosshairPosition();
  }

  /** @param {(at: number) => number | null} valueAt */
  _points(valueAt) {
    return this._bars.flatMap(({ time }, at) => {
      const value = valueAt(at);
      return value === null ? [] : [{ time: seconds(time), value }];
    });
  }

  _drawVolume() {
    this._volume.setData(this._bars.map((bar) => this._volumeOf(bar)));
  }

  /** @param {Bar} bar */
  _volumeOf({ time, open, close, volume }) {
    const { up, down } = this._palette;
    return { time: seconds(time), value: volume, color: faded(close >= open ? up : down, 0.35) };
  }

  _drawSignals() {
    /** @type {Map<number, import('@/lib/types.js').TradingSignal>} */
    const byBar = new Map();
    for (const signal of this._showSignals === false ? [] : this._signals) {
      if (signal.signal === 'HOLD') continue;
      const at = this._indexOf(Date.parse(signal.timestamp));
      // Newest first: the first of a bar is its last word.
      if (at >= 0 && !byBar.has(at)) byBar.set(at, signal);
    }
    const marks = [...byBar]
      .sort(([a], [b]) => a - b)
      .map(([at, { signal }]) => this._markOf(this._bars[at], signal));
    this._markers.setMarkers(marks);
  }

  /**
   * @param {Bar} bar
   * @param {import('@/lib/types.js').SignalLevel} level
   */
  _markOf(bar, level) {
    const buy = level.endsWith('BUY');
    return {
      time: seconds(bar.time),
      position: /** @type {'belowBar' | 'aboveBar'} */ (buy ? 'belowBar' : 'aboveBar'),
      shape: /** @type {'arrowUp' | 'arrowDown'} */ (buy ? 'arrowUp' : 'arrowDown'),
      color: buy ? this._palette.up : this._palette.down,
      size: level.startsWith('STRONG_') ? 1.5 : 1,
    };
  }

  /**
   * @param {number} time Epoch in ms.
   * @returns {number} The bar that holds it; -1 before the first.
   */
  _indexOf(time) {
    let low = 0;
    let high = this._bars.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this._bars[middle].time <= time) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
