/**
 * The candles of one symbol and interval, and their only owner; outside of React, shared by all
 * who show them.
 *
 * A closed bar is always the server's own: the live price moves the last bar and never adds one.
 * When the price has left the last bar's interval the server is asked at once, and what it answers
 * must continue what is held; otherwise (the page slept, the server repaired its history, or is
 * another one) everything is loaded anew. So nothing that was missed can hide.
 */
import { continues, growBar, joinBars } from './bars.js';
import { openingOf, spanOf } from './intervals.js';

/** What is loaded at first, and at the least whenever everything is. */
export const CANDLES = 500;
/** Where the live ones go on growing: two screens wide, and within what one request may ask for. */
export const CANDLES_KEPT = 2 * CANDLES;
/** The forming bar's volume comes from the server alone, so it is asked so often. */
export const ASK_EVERY_MS = 5_000;
/** Sooner when an interval is over; at a replay's speed many are, between two questions. */
export const HURRY_EVERY_MS = 1_000;
/** Closed bars that each answer must have in common with what is held. */
export const OVERLAP = 3;
/** A repair of what lies further back shows only when everything is compared. */
export const COMPARE_ALL_EVERY_MS = 5 * 60_000;
/** A canvas is drawn anew as a whole, so the last bar moves a little less often than the price. */
export const DRAW_EVERY_MS = 250;

/**
 * @typedef {import('./bars.js').Bar} Bar
 *
 * @typedef {'loading' | 'current' | 'empty' | 'unreachable'} SeriesState `loading` until the server
 *   has been heard since it was bound; `empty` when it has no candles (what is held stays);
 *   `unreachable` while it can't be asked.
 *
 * @typedef {object} Listener
 * @property {(bars: Bar[]) => void} onBars All of them; not to be changed.
 * @property {(bar: Bar) => void} onGrowth The last one has moved.
 * @property {(state: SeriesState) => void} onState
 */

export class CandleSeries {
  /**
   * @param {{ interval: string, load: (count: number) => Promise<Bar[]>, now: () => number }}
   *   collaborators `load` the newest, oldest first, the forming one last; `now` in ms, of a clock
   *   that is never set back.
   */
  constructor({ interval, load, now }) {
    this._interval = interval;
    this._load = load;
    this._now = now;
    /** @type {Bar[]} */
    this._bars = [];
    /** @type {SeriesState} */
    this._state = 'loading';
    /** @type {Set<Listener>} */
    this._listeners = new Set();
    /** @type {{ price: number, time: number, takenAt: number } | null} The newest price. */
    this._newest = null;
    this._asking = false;
    this._askAgain = false;
    this._askedAt = -Infinity;
    this._comparedAt = -Infinity;
    /** Whether the server's bars and the held ones don't fit together. */
    this._apart = false;
    /** Questions in a row that were in a hurry, and of no use. */
    this._vain = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._drawing = undefined;
  }

  get bound() {
    return this._listeners.size > 0;
  }

  /**
   * Show the series as long as bound. Says at once what is known.
   * @param {Listener} listener
   * @returns {() => void} Unbinds it.
   */
  bind(listener) {
    const first = !this.bound;
    this._listeners.add(listener);
    if (first) this._state = 'loading';
    listener.onState(this._state);
    if (this._bars.length > 0) listener.onBars(this._bars);
    // One that was bound a moment ago is being loaded yet.
    if (first && !this._asking) this.refresh();
    return () => {
      this._listeners.delete(listener);
      if (!this.bound) this._drawn();
    };
  }

  /** Ask the server now: something may have been missed. */
  refresh() {
    this._vain = 0;
    this._askAgain = true;
    this._askIfDue();
  }

  /** Time has passed: to be called about every second while bound. */
  tick() {
    this._askIfDue();
  }

  /**
   * Take a live price.
   * @param {number} price
   * @param {number} time Epoch in ms.
   */
  grow(price, time) {
    this._newest = { price, time, takenAt: this._now() };
    const last = this._bars[this._bars.length - 1];
    if (!last) return;
    const grown = growBar(last, price, time, this._interval);
    if (grown !== last) {
      this._bars[this._bars.length - 1] = grown;
      this._drawing ??= setTimeout(() => this._draw(), DRAW_EVERY_MS);
    }
    this._askIfDue();
  }

  _draw() {
    this._drawn();
    const last = this._bars[this._bars.length - 1];
    for (const { onGrowth } of [...this._listeners]) onGrowth(last);
  }

  _drawn() {
    clearTimeout(this._drawing);
    this._drawing = undefined;
  }

  /** How many intervals the price is ahead of the last bar. */
  _behind() {
    const last = this._bars[this._bars.length - 1];
    if (!last || !this._newest) return 0;
    const ahead = openingOf(this._newest.time, this._interval) - last.time;
    return Math.max(0, ahead / spanOf(this._interval));
  }

  _askIfDue() {
    if (this._asking || !this.bound) return;
    if (!this._askAgain && this._now() - this._askedAt < this._pause()) return;
    void this._ask();
  }

  /** Between the last question and the next one, in ms. */
  _pause() {
    if (this._state === 'unreachable' || this._behind() === 0) return ASK_EVERY_MS;
    // Where nobody trades, an interval that is over has no successor for long.
    return Math.min(ASK_EVERY_MS, HURRY_EVERY_MS * 2 ** this._vain);
  }

  async _ask() {
    this._asking = true;
    this._askAgain = false;
    this._askedAt = this._now();
    try {
      const behind = this._behind();
      const whole =
        this._apart ||
        this._bars.length === 0 ||
        behind + OVERLAP >= CANDLES ||
        this._askedAt - this._comparedAt >= COMPARE_ALL_EVERY_MS;
      // As many as are held, so that a whole answer speaks of each.
      const count = whole ? Math.max(CANDLES, this._bars.length) : behind + OVERLAP + 1;
      const lastTime = this._bars[this._bars.length - 1]?.time;
      this._take(await this._load(count), whole);
      const moved = this._bars[this._bars.length - 1]?.time !== lastTime;
      this._vain = behind > 0 && !moved ? this._vain + 1 : 0;
    } catch (error) {
      console.warn('Candles could not be loaded; trying again', error);
      this._setState('unreachable');
    } finally {
      this._asking = false;
    }
    if (this._askAgain) this._askIfDue();
  }

  /**
   * Take the server's newest bars, from wherever they come.
   * @param {Bar[]} fresh Oldest first, the forming one last.
   * @param {boolean} whole Whether they may take the place of everything.
   */
  _take(fresh, whole) {
    if (fresh.length === 0) return this._setState('empty');
    const continued = continues(this._bars, fresh);
    if (!continued && !whole) {
      this._apart = true;
      this._askAgain = true;
      return;
    }
    if (whole) {
      this._apart = false;
      this._comparedAt = this._askedAt;
    }
    this._bars = continued ? joinBars(this._bars, fresh).slice(-CANDLES_KEPT) : [...fresh];
    this._regrow();
    this._drawn();
    this._setState('current');
    for (const { onBars } of [...this._listeners]) onBars(this._bars);
  }

  /** Put the price into the server's bar that came while it was asked; an older one is in there. */
  _regrow() {
    if (!this._newest || this._newest.takenAt < this._askedAt) return;
    const { price, time } = this._newest;
    const last = this._bars.length - 1;
    this._bars[last] = growBar(this._bars[last], price, time, this._interval);
  }

  /** @param {SeriesState} state */
  _setState(state) {
    if (state === this._state) return;
    this._state = state;
    for (const { onState } of [...this._listeners]) onState(state);
  }
}
