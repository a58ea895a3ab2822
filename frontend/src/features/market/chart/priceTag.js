/** The price on the chart's axis: the live one, wherever one has scrolled to. */
import { LineStyle } from 'lightweight-charts';

export class PriceTag {
  /** @param {import('lightweight-charts').ISeriesApi<'Candlestick'>} candles */
  constructor(candles) {
    this._candles = candles;
    /** @type {import('lightweight-charts').IPriceLine | null} */
    this._line = null;
    /** @type {import('./palette.js').Palette | null} */
    this._palette = null;
    /** @type {number | null} */
    this._price = null;
    this._stale = false;
  }

  /** @param {import('./palette.js').Palette} palette */
  setPalette(palette) {
    this._palette = palette;
    this._draw();
  }

  /**
   * @param {number | null} price Null takes it away.
   * @param {boolean} stale Whether it may not be the price any more: then it says so, and is quiet.
   */
  set(price, stale) {
    this._price = price;
    this._stale = stale;
    this._draw();
  }

  _draw() {
    if (this._price === null || this._palette === null) {
      if (this._line) this._candles.removePriceLine(this._line);
      this._line = null;
      return;
    }
    const options = {
      price: this._price,
      color: this._stale ? this._palette.muted : this._palette.accent,
      title: this._stale ? 'stale' : '',
    };
    if (this._line) this._line.applyOptions(options);
    else {
      this._line = this._candles.createPriceLine({
        ...options,
        lineWidth: 1,
        lineStyle: LineStyle.Dashed,
      });
    }
  }
}
