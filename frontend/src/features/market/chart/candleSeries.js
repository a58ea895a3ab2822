/**
 * The candles of one symbol and interval, kept live outside of React: loaded whole, grown by the
 * live price, and set right by the server's last ones now and then.
 */
import { growBar, mergeBars } from './bars.js';

export const CANDLES = 500;
/** The live price grows the last candle; its volume, and what was missed, come from the server. */
export const RECONCILE_MS = 10_000;
export const RECONCILE_CANDLES = 5;
/** A canvas is drawn anew as a whole, so the last candle moves a little less often than the price. */
export const DRAW_EVERY_MS = 250;

/**
 * @typedef {import('./bars.js').Bar} Bar
 *
 * @typedef {object} Collaborators
 * @property {string} interval
 * @property {(count: number, signal: AbortSignal) => Promise<Bar[]>} load The newest, oldest first.
 * @property {(bars: Bar[], whole: boolean) => void} onBars All of them; `whole` when they were
 *   loaded anew.
 * @property {(bar: Bar) => void} onBar The last one has grown, or is new.
 * @property {(problem: string | null) => void} onProblem In words for the visitor.
 */

export class CandleSeries {
  /** @param {Collaborators} collaborators */
  constructor({ interval, load, onBars, onBar, onProblem }) {
    this._interval = interval;
    this._load = load;
    this._onBars = onBars;
    this._onBar = onBar;
    this._onProblem = onProblem;
    /** @type {Bar[]} */
    this._bars = [];
    this._abort = new AbortController();
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._reconciling = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._drawing = undefined;
  }

  start() {
    this._onBars(this._bars, false);
    this._onProblem(null);
    void this._refresh(true);
    this._reconciling = setInterval(() => {
      if (!document.hidden) void this._refresh(this._bars.length === 0);
    }, RECONCILE_MS);
  }

  /** For good. */
  stop() {
    this._abort.abort();
    clearInterval(this._reconciling);
    clearTimeout(this._drawing);
  }

  /**
   * Take a live price.
   * @param {number} price
   * @param {number} time Epoch in ms.
   */
  grow(price, time) {
    const last = this._bars[this._bars.length - 1];
    const bar = last && growBar(last, price, time, this._interval);
    if (!bar) return;
    if (bar.time > last.time) {
      this._draw(); // the last word of the candle that is closed now
      this._bars.push(bar);
    } else {
      this._bars[this._bars.length - 1] = bar;
    }
    this._drawing ??= setTimeout(() => this._draw(), DRAW_EVERY_MS);
  }

  _draw() {
    this._drawn();
    this._onBar(this._bars[this._bars.length - 1]);
  }

  _drawn() {
    clearTimeout(this._drawing);
    this._drawing = undefined;
  }

  /** @param {boolean} whole Else the last few. */
  async _refresh(whole) {
    const { signal } = this._abort;
    try {
      const fresh = await this._load(whole ? CANDLES : RECONCILE_CANDLES, signal);
      if (signal.aborted) return;
      if (!whole && this._isApart(fresh)) return void this._refresh(true);
      this._bars = whole ? fresh : mergeBars(this._bars, fresh).slice(-2 * CANDLES);
      this._drawn();
      this._onBars(this._bars, whole);
      this._onProblem(this._bars.length === 0 ? 'No candles of this interval yet.' : null);
    } catch (error) {
      if (signal.aborted) return;
      console.warn('Candles could not be loaded; trying again', error);
      if (this._bars.length === 0) {
        this._onProblem('The candles could not be loaded; trying again.');
      }
    }
  }

  /**
   * Whether a gap lies between the known bars and the fresh ones, as when the page slept: only the
   * whole history closes it.
   * @param {Bar[]} fresh
   */
  _isApart(fresh) {
    if (fresh.length === 0 || this._bars.length === 0) return false;
    return fresh[0].time > this._bars[this._bars.length - 1].time;
  }
}
