/**
 * Every series of candles that is shown, one owner each, and what happens around them: prices, what
 * the stream says of candles, passing time, and the moments after which something may have been
 * missed.
 */
import { getCandles } from '@/lib/api.js';
import { watchPage } from '@/lib/stream/page.js';
import { streamStore } from '@/lib/streamStore.js';
import websocketService from '@/lib/websocket.js';
import { barOf } from './bars.js';
import { CandleSeries } from './candleSeries.js';

const TICK_MS = 1_000;
/** A tick so late means that the machine slept, the tab was frozen, or the clock was set. */
const SLEPT_MS = 5_000;
/** Series that nobody shows are kept for coming back; at most 0.2 MB each. */
const IDLE_KEPT = 8;
/** A question that the network has swallowed is given up. */
const ANSWER_WITHIN_MS = 20_000;

/**
 * @typedef {import('./candleSeries.js').Listener} Listener
 * @typedef {{ symbol: string, interval: string, series: CandleSeries, followed: boolean,
 *   quote?: import('@/lib/types.js').Quote }} Held `followed`: whether the stream says what changes;
 *   `quote`: the last one that was put into the series.
 */

export class CandleStore {
  /**
   * @param {{ load: (symbol: string, interval: string, count: number, before?: number) =>
   *   Promise<import('./bars.js').Bar[]>, follow?: (symbol: string, interval: string) => () => void,
   *   now?: () => number, wallNow?: () => number, hidden?: () => boolean }} collaborators `follow`
   *   has the stream say what changes, until what it returns is called; `now` in ms, of a clock that
   *   is never set back; `wallNow` of one that goes on while the machine sleeps.
   */
  constructor({
    load,
    follow = () => () => {},
    now = () => performance.now(),
    wallNow = Date.now,
    hidden = () => document.hidden,
  }) {
    this._load = load;
    this._follow = follow;
    this._now = now;
    this._wallNow = wallNow;
    this._hidden = hidden;
    /** @type {Map<string, Held>} By symbol and interval, the last bound one last. */
    this._held = new Map();
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._ticking = undefined;
    this._tickedAt = 0;
  }

  /**
   * Show the candles of a symbol and interval; everybody who binds them shares one series.
   * @param {string} symbol
   * @param {string} interval
   * @param {Listener} listener
   * @returns {() => void} Unbinds it.
   */
  bind(symbol, interval, listener) {
    const key = `${symbol} ${interval}`;
    const held = this._held.get(key) ?? this._create(symbol, interval);
    this._held.delete(key);
    this._held.set(key, held);
    const release = this._follow(symbol, interval);
    const unbind = held.series.bind(listener);
    if (this._ticking === undefined) {
      this._tickedAt = this._wallNow();
      this._ticking = setInterval(() => this._tick(), TICK_MS);
    }
    return () => {
      unbind();
      if (!held.series.bound) this._lose(held);
      release();
      this._dropIdle();
    };
  }

  /**
   * Take the newest prices.
   * @param {import('@/lib/types.js').MarketData} quotes
   */
  takeQuotes(quotes) {
    for (const held of this._held.values()) {
      const quote = quotes[held.symbol];
      if (!quote || quote === held.quote || !held.series.bound) continue;
      // Each symbol goes over to another source when that has a price of it.
      if (held.quote && held.quote.source !== quote.source) held.series.renew();
      held.quote = quote;
      held.series.grow(quote.price, Date.parse(quote.timestamp));
    }
  }

  /**
   * Bars before the first are about to be looked at.
   * @param {string} symbol
   * @param {string} interval
   */
  loadOlder(symbol, interval) {
    this._held.get(`${symbol} ${interval}`)?.series.loadOlder();
  }

  /**
   * The server has said what the connection has: what is new to it is followed from here on.
   * @param {import('@/lib/types.js').SubscriptionConfirmed} confirmation
   */
  takeConfirmation({ subscribed = [], candles = [] }) {
    for (const held of this._held.values()) {
      const confirmed = subscribed.includes(held.symbol) && candles.includes(held.interval);
      const followed = confirmed && held.series.bound;
      if (followed === held.followed) continue;
      if (!followed) {
        this._lose(held);
        continue;
      }
      held.followed = true;
      held.series.follow();
    }
  }

  /** @param {import('@/lib/types.js').CandleUpdate} update */
  takeCandle(update) {
    const held = this._held.get(`${update.symbol} ${update.interval}`);
    if (held?.followed) held.series.hear(barOf(update), update.closed);
  }

  /** The connection is gone, and what it was to say with it. */
  lose() {
    for (const held of this._held.values()) this._lose(held);
  }

  /** @param {Held} held */
  _lose(held) {
    held.followed = false;
    held.series.lose();
  }

  /** Something may have been missed: ask the server of all that is shown. */
  refresh() {
    for (const { series } of this._held.values()) if (series.bound) series.refresh();
  }

  /**
   * @param {string} symbol
   * @param {string} interval
   * @returns {Held}
   */
  _create(symbol, interval) {
    const load = (/** @type {number} */ count, /** @type {number | undefined} */ before) =>
      this._load(symbol, interval, count, before);
    const series = new CandleSeries({ interval, load, now: this._now });
    return { symbol, interval, series, followed: false };
  }

  _tick() {
    const now = this._wallNow();
    const late = Math.abs(now - this._tickedAt - TICK_MS);
    this._tickedAt = now;
    // A hidden tab asks for nothing; it is told when it is shown again.
    if (this._hidden()) return;
    if (late > SLEPT_MS) this.refresh();
    else for (const { series } of this._held.values()) series.tick();
  }

  _dropIdle() {
    const idle = [...this._held].filter(([, { series }]) => !series.bound);
    for (const [key] of idle.slice(0, -IDLE_KEPT)) this._held.delete(key);
    if (idle.length < this._held.size) return;
    clearInterval(this._ticking);
    this._ticking = undefined;
  }
}

export const candleStore = new CandleStore({
  async load(symbol, interval, count, before) {
    const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
    const { candles } = await getCandles(symbol, interval, count, { before, signal });
    return candles.map(barOf);
  },
  follow(symbol, interval) {
    const wish = { candles: [interval] };
    websocketService.subscribe(symbol, wish);
    return () => websocketService.unsubscribe(symbol, wish);
  },
});

streamStore.subscribe(({ quotes }, before) => {
  if (quotes !== before.quotes) candleStore.takeQuotes(quotes);
});

websocketService.observe((event, payload) => {
  if (event === 'candle') candleStore.takeCandle(payload);
  else if (event === 'subscription_confirmed') candleStore.takeConfirmation(payload);
});

websocketService.onStateChange(() => {
  if (!websocketService.isConnected()) candleStore.lose();
});

watchPage({ onOnline: () => candleStore.refresh(), onVisible: () => candleStore.refresh() });
