/**
 * The candles of one symbol and interval, and their only owner; outside of React, shared by all
 * who show them.
 *
 * A closed bar is always the server's own: the live price moves the last bar and never adds one.
 * While the stream says what changes (`follow`), nothing is asked. Where it is not there, as without
 * an account, the server is asked every few seconds, and at once when the price has left the last
 * bar's interval. What it answers, then or after something may have been missed, must continue what
 * is held; otherwise (the page slept, the server repaired its history, or is another one) everything
 * is loaded anew. So nothing that was missed can hide.
 */
import { continues, growBar, indexOfBar, joinBars } from './bars.js';
import { Drawing } from './drawing.js';
import { OlderBars } from './olderBars.js';
import { openingOf, spanOf } from './intervals.js';

/** What is loaded at first, and at the least whenever everything is. */
export const CANDLES = 500;
/** Where nobody looks for an hour ago, but for years, it is all that can be had at once. */
const LONG_INTERVALS = ['4h', '1d'];
/** How many live ones come to those before the oldest go. */
export const CANDLES_GROWN = CANDLES;
/** What one request may ask for. */
const CANDLES_AT_ONCE = 1_500;
/** What was loaded when the page was is as good as new when the stream begins so soon after it. */
const FRESH_FOR_MS = 10_000;
/** The forming bar's volume comes from the server alone, so it is asked so often. */
export const ASK_EVERY_MS = 5_000;
/** Sooner when an interval is over; at a replay's speed many are, between two questions. */
export const HURRY_EVERY_MS = 1_000;
/** Closed bars that each answer must have in common with what is held. */
export const OVERLAP = 3;
/** A repair of what lies further back shows only when everything is compared. */
export const COMPARE_ALL_EVERY_MS = 5 * 60_000;

/**
 * @typedef {import('./bars.js').Bar} Bar
 * @typedef {import('./drawing.js').SeriesState} SeriesState
 * @typedef {import('./drawing.js').Listener} Listener
 */

export class CandleSeries {
  /**
   * @param {{ interval: string, load: (count: number, before?: number) => Promise<Bar[]>,
   *   now: () => number }} collaborators `load` the newest, oldest first, the forming one last, or
   *   of those that open before a time; `now` in ms, of a clock that is never set back.
   */
  constructor({ interval, load, now }) {
    this._interval = interval;
    this._atLeast = LONG_INTERVALS.includes(interval) ? CANDLES_AT_ONCE : CANDLES;
    this._load = load;
    this._now = now;
    /** @type {Bar[]} */
    this._bars = [];
    /** @type {SeriesState} */
    this._state = 'loading';
    this._drawing = new Drawing(() => this._bars);
    this._older = new OlderBars({
      load,
      now,
      bars: () => this._bars,
      onBars: (older) => this._prepend(older),
    });
    /** How many bars stay. */
    this._kept = this._atLeast + CANDLES_GROWN;
    /** Whether the stream says what changes. */
    this._followed = false;
    /** Whether it did, and what it said since is not known. */
    this._lost = false;
    /** Opening of the newest bar that the stream has called closed. */
    this._closedAt = -Infinity;
    /** @type {{ bar: Bar, closed: boolean }[]} What came since the question that is not answered. */
    this._since = [];
    /** @type {{ price: number, time: number, takenAt: number } | null} The newest price. */
    this._newest = null;
    this._asking = false;
    this._askAgain = false;
    this._askedAt = -Infinity;
    this._comparedAt = -Infinity;
    /** Whether the server's bars and the held ones don't fit together. */
    this._apart = false;
    /** Whether the question that is not answered yet was put to a former source. */
    this._former = false;
    /** Questions in a row that were in a hurry, and of no use. */
    this._vain = 0;
  }

  get bound() {
    return this._drawing.shown;
  }

  /**
   * Show the series as long as bound. Says at once what is known.
   * @param {Listener} listener
   * @returns {() => void} Unbinds it.
   */
  bind(listener) {
    const first = !this.bound;
    if (first) this._state = 'loading';
    listener.onState(this._state);
    this._drawing.add(listener);
    // One that was bound a moment ago is being loaded yet.
    if (first && !this._asking) this.refresh();
    return () => {
      this._drawing.remove(listener);
      if (!this.bound) this._rest();
    };
  }

  /** The stream says all that changes from here on; what was missed before is asked for. */
  follow() {
    this._followed = true;
    if (this._lost || this._now() - this._comparedAt > FRESH_FOR_MS) this._comparedAt = -Infinity;
    this._lost = false;
    this.refresh();
  }

  /** The stream says nothing any more. */
  lose() {
    this._lost ||= this._followed;
    this._followed = false;
  }

  /**
   * The stream says what a bar is.
   * @param {Bar} bar
   * @param {boolean} closed
   */
  hear(bar, closed) {
    if (this._asking) this._since.push({ bar, closed });
    else if (this._bars.length === 0) this.refresh();
    if (!this._put(bar, closed)) return;
    this._trim();
    this._drawing.changed(bar.time);
  }

  /** Somebody looks for bars before the first. */
  loadOlder() {
    if (this.bound) this._older.want();
  }

  /** Ask the server now: something may have been missed. */
  refresh() {
    this._vain = 0;
    this._askAgain = true;
    this._askIfDue();
  }

  /** Another source's candles take the place of all that is held. */
  renew() {
    this._former = this._asking;
    this._apart = true;
    this._older.forget();
    this.refresh();
  }

  /** Time has passed: to be called about every second while bound. */
  tick() {
    this._askIfDue();
    this._older.retry();
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
    if (this._growLast(price, time)) this._drawing.changed(last.time);
    this._askIfDue();
  }

  /**
   * @param {number} price
   * @param {number} time
   * @returns {boolean} Whether the last bar is another one now.
   */
  _growLast(price, time) {
    const at = this._bars.length - 1;
    const last = this._bars[at];
    // What has closed is the server's.
    if (last.time <= this._closedAt) return false;
    this._bars[at] = growBar(last, price, time, this._interval);
    return this._bars[at] !== last;
  }

  /**
   * @param {Bar} bar
   * @param {boolean} closed
   * @returns {boolean} Whether that is news, and of a time that is held.
   */
  _put(bar, closed) {
    if (closed) this._closedAt = Math.max(this._closedAt, bar.time);
    const at = indexOfBar(this._bars, bar.time);
    // One before the last has closed, as an answer knew already; the stream is about to say so.
    if (at < 0 || (!closed && this._bars[at + 1])) return false;
    const known = this._bars[at].time === bar.time;
    this._bars.splice(known ? at : at + 1, known ? 1 : 0, bar);
    return true;
  }

  /** @param {Bar[]} older Those before the first one, and perhaps that one. */
  _prepend(older) {
    const last = older[older.length - 1].time;
    this._bars = [...older, ...this._bars.filter(({ time }) => time > last)];
    this._kept = this._bars.length + CANDLES_GROWN;
    this._drawing.all();
  }

  _trim() {
    if (this._bars.length > this._kept) this._bars = this._bars.slice(-this._kept);
  }

  /** Nobody looks: what somebody had scrolled back to is not kept. */
  _rest() {
    this._older.forget();
    this._kept = this._atLeast + CANDLES_GROWN;
    this._trim();
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
    if (this._followed && this._state === 'current') return Infinity;
    if (this._state === 'unreachable' || this._behind() === 0) return ASK_EVERY_MS;
    // Where nobody trades, an interval that is over has no successor for long.
    return Math.min(ASK_EVERY_MS, HURRY_EVERY_MS * 2 ** this._vain);
  }

  async _ask() {
    this._asking = true;
    this._askAgain = false;
    this._since = [];
    const known = [...this._bars];
    this._askedAt = this._now();
    try {
      const behind = this._behind();
      const whole =
        this._apart ||
        this._bars.length === 0 ||
        behind + OVERLAP >= this._atLeast ||
        this._askedAt - this._comparedAt >= COMPARE_ALL_EVERY_MS;
      // As many as are held, or can be had at once, so that a whole answer speaks of each.
      const held = Math.min(CANDLES_AT_ONCE, this._bars.length);
      const count = whole ? Math.max(this._atLeast, held) : behind + OVERLAP + 1;
      const lastTime = this._bars[this._bars.length - 1]?.time;
      const fresh = await this._load(count);
      if (!this._former) this._take(fresh, known, whole);
      const moved = this._bars[this._bars.length - 1]?.time !== lastTime;
      this._vain = behind > 0 && !moved ? this._vain + 1 : 0;
    } catch (error) {
      console.warn('Candles could not be loaded; trying again', error);
      this._setState('unreachable');
    } finally {
      this._asking = false;
      this._former = false;
    }
    if (this._askAgain) this._askIfDue();
  }

  /**
   * Take the server's newest bars, from wherever they come.
   * @param {Bar[]} fresh Oldest first, the forming one last.
   * @param {Bar[]} known What was held when they were asked for.
   * @param {boolean} whole Whether they may take the place of everything.
   */
  _take(fresh, known, whole) {
    if (fresh.length === 0) return this._setState('empty');
    const continued = continues(known, fresh);
    if (!continued && !whole) {
      this._apart = true;
      this._askAgain = true;
      return;
    }
    if (whole) {
      this._apart = false;
      this._comparedAt = this._askedAt;
    }
    if (!continued) this._closedAt = -Infinity;
    this._bars = continued ? joinBars(this._bars, fresh) : [...fresh];
    for (const { bar, closed } of this._since) this._put(bar, closed);
    this._trim();
    this._regrow();
    this._setState('current');
    this._drawing.all();
    this._older.retry();
  }

  /** Put the price into the server's bar that came while it was asked; an older one is in there. */
  _regrow() {
    if (!this._newest || this._newest.takenAt < this._askedAt) return;
    this._growLast(this._newest.price, this._newest.time);
  }

  /** @param {SeriesState} state */
  _setState(state) {
    if (state === this._state) return;
    this._state = state;
    this._drawing.say(state);
  }
}
