/** The bars before those that a series holds, asked for page by page as somebody scrolls back. */

/** Within what one request may ask for; eight screens. */
export const PAGE = 1_000;
/** Of one series: three weeks of minutes, or three years of hours. All are drawn anew at each page. */
export const BARS_MAX = 30_000;
/**
 * After a question that failed, or found nothing: the server may be loading its past yet, which takes
 * seconds with a simulation and minutes with an exchange. From one to the next it is twice as long.
 */
export const RETRY_AFTER_MS = 5_000;
const RETRY_AFTER_MOST_MS = 5 * 60_000;

/** @typedef {import('./bars.js').Bar} Bar */

export class OlderBars {
  /**
   * @param {{ load: (count: number, before: number) => Promise<Bar[]>, now: () => number,
   *   bars: () => Bar[], onBars: (older: Bar[]) => void }} collaborators `load` the newest of those
   *   that open before a time, oldest first; `bars` has what is held, `onBars` is given what goes
   *   before that, and its first bar as it is now: it may have been a part of one.
   */
  constructor({ load, now, bars, onBars }) {
    this._load = load;
    this._now = now;
    this._bars = bars;
    this._onBars = onBars;
    this._asking = false;
    /** Whether somebody looks for more than there is. */
    this._wanted = false;
    this._retryAt = -Infinity;
    this._pause = RETRY_AFTER_MS;
  }

  /** Somebody comes near to the first bar. */
  want() {
    this._wanted = true;
    this.retry();
  }

  /** Time has passed, or what is held has changed. */
  retry() {
    const first = this._bars()[0];
    if (!first || !this._wanted || this._asking || this._now() < this._retryAt) return;
    if (this._bars().length >= BARS_MAX) return;
    void this._ask(first.time);
  }

  /** Nobody looks any more. */
  forget() {
    this._wanted = false;
    this._pause = RETRY_AFTER_MS;
  }

  /** @param {number} first The opening of the first bar that is held. */
  async _ask(first) {
    this._asking = true;
    try {
      const older = await this._load(PAGE, first + 1);
      // Meanwhile everything may have been loaded anew.
      if (this._wanted && this._bars()[0]?.time === first) {
        if (!older[0] || older[0].time >= first) return this._waitLonger();
        this.forget();
        this._onBars(older);
      }
    } catch (error) {
      console.warn('Older candles could not be loaded', error);
      this._waitLonger();
    } finally {
      this._asking = false;
      this.retry();
    }
  }

  _waitLonger() {
    this._retryAt = this._now() + this._pause;
    this._pause = Math.min(2 * this._pause, RETRY_AFTER_MOST_MS);
  }
}
