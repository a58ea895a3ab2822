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
} from 'lightweight-charts';
import { formatPrice } from '@/lib/format.js';
import { BarReader } from './barReader.js';
import { formatMark, formatTick, seconds } from './chartTime.js';
import { Overlays } from './overlays.js';
import { faded, fontSize, readPalette } from './palette.js';
import { NOW, placeOf, rangeOf, RIGHT_MARGIN_BARS, showsNewest, zoomed } from './place.js';
import { PriceTag } from './priceTag.js';
import { signalMarks } from './signalMarks.js';
import { VisibleRange } from './visibleRange.js';

const VOLUME_SHARE = 0.18;
/** Bars to the left of the view, of which there should be more before one gets there. */
const OLDER_AHEAD = 200;
/** Bars of volume differ in how full they are, as candles do. */
const RISING_ALPHA = 0.25;
const FALLING_ALPHA = 0.6;

/**
 * @typedef {import('./bars.js').Bar} Bar
 * @typedef {import('lightweight-charts').Time} Time
 * @typedef {import('lightweight-charts').TickMarkType} TickMarkType
 */

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
      // A finger that moves up or down moves the page.
      handleScroll: { vertTouchDrag: false },
      timeScale: { timeVisible: true, rightOffset: RIGHT_MARGIN_BARS },
    });
    const quiet = {
      lastValueVisible: false,
      priceLineVisible: false,
      crosshairMarkerVisible: false,
    };
    // What it would mark as the last value is the last one in view: the price has its own tag.
    this._candles = this._chart.addSeries(CandlestickSeries, {
      lastValueVisible: false,
      priceLineVisible: false,
    });
    this._priceTag = new PriceTag(this._candles);
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
    this._overlays = new Overlays(this._chart, quiet);
    this._markers = createSeriesMarkers(this._candles, []);
    /** @type {Bar[]} */
    this._bars = [];
    /** @type {import('./place.js').Place | null} One that the bars didn't reach. */
    this._unreached = null;
    /** @type {import('@/lib/types.js').TradingSignal[]} */
    this._signals = [];
    this._signalsVisible = true;
    /** @type {() => void} */
    this._needOlder = () => {};
    this._visible = new VisibleRange(this._chart.timeScale());
    this.reader = new BarReader(this._chart, this._candles, this._visible);
    this._palette = readPalette();
    this._visible.onChange(() => this._askForOlder());
    this.applyTheme();
  }

  destroy() {
    this._chart.remove();
  }

  /** As theme, colours and time zone are now. */
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
      // Anew each time, as functions: the chart keeps labels for as long as these are the same.
      localization: { timeFormatter: (/** @type {Time} */ time) => formatMark(time) },
      timeScale: {
        borderColor: palette.line,
        tickMarkFormatter: (/** @type {Time} */ time, /** @type {TickMarkType} */ type) =>
          formatTick(time, type),
      },
      crosshair: {
        vertLine: { color: palette.muted, labelBackgroundColor: palette.accent },
        horzLine: { color: palette.muted, labelBackgroundColor: palette.accent },
      },
    });
    this._candles.applyOptions({
      // Hollow where it rises, filled where it falls: the hue is not all that tells.
      upColor: palette.surface,
      downColor: palette.down,
      borderUpColor: palette.up,
      borderDownColor: palette.down,
      wickUpColor: palette.up,
      wickDownColor: palette.down,
    });
    this._overlays.setPalette(palette);
    this._priceTag.setPalette(palette);
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
   * Show other bars; those that were in view stay there.
   * @param {Bar[]} bars Oldest first.
   * @param {{ rewind?: boolean }} [options] `rewind` shows the newest bars, as for a new symbol.
   */
  setBars(bars, { rewind = false } = {}) {
    const place = rewind ? NOW : this._place();
    this._bars = [...bars];
    this._candles.setData(bars.map((bar) => ({ ...bar, time: seconds(bar.time) })));
    this._drawVolume();
    this._overlays.setBars(bars);
    this._drawSignals();
    this.reader.setBars(this._bars);
    if (place) this._goTo(place);
    this._askForOlder();
  }

  /**
   * Hear that bars before the first come into view soon.
   * @param {() => void} callback
   */
  onNeedOlder(callback) {
    this._needOlder = callback;
  }

  _askForOlder() {
    const range = this._range();
    if (range && (this._unreached || range.from < OLDER_AHEAD)) this._needOlder();
  }

  /** @returns {import('./place.js').Place | null} Where the reader looks; null before any bars. */
  _place() {
    const range = this._range();
    return this._unreached ?? (range && placeOf(range, this._bars));
  }

  _range() {
    return this._bars.length === 0 ? null : this._visible.get();
  }

  /** @param {import('./place.js').Place} place */
  _goTo(place) {
    const range = rangeOf(place, this._bars);
    this._unreached = range ? null : place;
    if (range) this._visible.set(range);
  }

  /** Back to the newest bars, as closely as one looks. */
  goToNow() {
    const range = this._range();
    if (!range) return;
    this._goTo({ ...NOW, width: range.to - range.from });
  }

  /** @param {1 | -1} direction 1 is closer. */
  zoom(direction) {
    const range = this._range();
    if (!range) return;
    this._visible.set(zoomed(range, direction, this._bars.length));
  }

  /**
   * Hear whether the newest bar is in view, whenever that may have changed.
   * @param {(atNow: boolean) => void} callback
   */
  onScroll(callback) {
    this._visible.onChange((range) => {
      callback(range === null || showsNewest(range, this._bars.length));
    });
  }

  /**
   * @param {number | null} price
   * @param {boolean} stale
   */
  setPrice(price, stale) {
    this._priceTag.set(price, stale);
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
    this._candles.update({ ...bar, time: seconds(bar.time) });
    this._volume.update(this._volumeOf(bar));
    this._overlays.updateLast(this._bars);
    this.reader.setBars(this._bars);
  }

  /** @param {{ averages: boolean, bollinger: boolean, signals: boolean }} overlays */
  setOverlays({ averages, bollinger, signals }) {
    this._overlays.setVisible({ averages, bollinger });
    this._signalsVisible = signals;
    this._drawSignals();
  }

  /** @param {import('@/lib/types.js').TradingSignal[]} signals */
  setSignals(signals) {
    this._signals = signals;
    this._drawSignals();
  }

  _drawVolume() {
    this._volume.setData(this._bars.map((bar) => this._volumeOf(bar)));
  }

  /** @param {Bar} bar */
  _volumeOf({ time, open, close, volume }) {
    const { up, down } = this._palette;
    const color = close >= open ? faded(up, RISING_ALPHA) : faded(down, FALLING_ALPHA);
    return { time: seconds(time), value: volume, color };
  }

  _drawSignals() {
    const signals = this._signalsVisible ? this._signals : [];
    this._markers.setMarkers(signalMarks(this._bars, signals, this._palette));
  }
}
