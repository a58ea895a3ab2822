/**
 * Those who show a series of candles, and what they are told of its bars: the ones that have changed,
 * now and then. A canvas is drawn anew as a whole, so the last bar moves a little less often than the
 * price.
 */

export const DRAW_EVERY_MS = 250;

/**
 * @typedef {import('./bars.js').Bar} Bar
 * @typedef {'loading' | 'current' | 'empty' | 'unreachable'} SeriesState `loading` until the server
 *   has been heard since it was bound; `empty` when it has no candles (what is held stays);
 *   `unreachable` while it can't be asked.
 *
 * @typedef {object} Listener
 * @property {(bars: Bar[]) => void} onBars All of them; not to be changed.
 * @property {(bar: Bar) => void} onGrowth The last one has moved, or is new.
 * @property {(state: SeriesState) => void} onState
 */

export class Drawing {
  /** @param {() => Bar[]} bars What there is to show, oldest first. */
  constructor(bars) {
    this._bars = bars;
    /** @type {Set<Listener>} */
    this._listeners = new Set();
    /** Opening of the last bar that was told. */
    this._reached = -Infinity;
    /** Opening of the first bar that has changed since. */
    this._changedFrom = Infinity;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._timer = undefined;
  }

  get shown() {
    return this._listeners.size > 0;
  }

  /** @param {Listener} listener */
  add(listener) {
    this._listeners.add(listener);
    if (this._bars().length > 0) listener.onBars(this._bars());
  }

  /** @param {Listener} listener */
  remove(listener) {
    this._listeners.delete(listener);
    if (!this.shown) this._settle();
  }

  /** @param {SeriesState} state */
  say(state) {
    for (const { onState } of [...this._listeners]) onState(state);
  }

  /** Everything is to be shown anew. */
  all() {
    this._settle();
    for (const { onBars } of [...this._listeners]) onBars(this._bars());
  }

  /**
   * A bar has changed, or is new.
   * @param {number} time Its opening, epoch in ms.
   */
  changed(time) {
    this._changedFrom = Math.min(this._changedFrom, time);
    this._timer ??= setTimeout(() => this._draw(), DRAW_EVERY_MS);
  }

  _draw() {
    const [from, reached] = [this._changedFrom, this._reached];
    // A chart changes its last bar, or adds one; all else is drawn as a whole.
    if (from < reached) return this.all();
    this._settle();
    const bars = this._bars().filter(({ time }) => time >= from);
    for (const bar of bars) for (const { onGrowth } of [...this._listeners]) onGrowth(bar);
  }

  /** All that there is has been told, or is of no interest. */
  _settle() {
    clearTimeout(this._timer);
    this._timer = undefined;
    this._changedFrom = Infinity;
    this._reached = this._bars().at(-1)?.time ?? -Infinity;
  }
}
