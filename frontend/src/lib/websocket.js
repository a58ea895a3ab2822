/**
 * The connection to the stream: one for the whole page, shared by whoever imports it. What is
 * subscribed is sent once the server has accepted the connection, and again after every
 * reconnection, which then goes on where the last one ended.
 */
import { Emitter } from './emitter.js';
import { Connection } from './stream/connection.js';
import { Heartbeat } from './stream/heartbeat.js';
import { isHidden, watchPage } from './stream/page.js';
import { SymbolRequests } from './stream/requests.js';
import { Resumption } from './stream/resumption.js';
import { createSocket } from './stream/socket.js';
import { Subscriptions } from './stream/subscriptions.js';
import { Tokens } from './stream/tokens.js';
import { listOf } from './symbols.js';

/** What the server says again to those who missed it. */
const RESUMABLE = ['trading_signal', 'sentiment_update'];

/**
 * @typedef {import('./stream/state.js').ConnectionState} ConnectionState
 * @typedef {import('./stream/reconnection.js').ConnectOptions} ConnectOptions
 * @typedef {import('./stream/subscriptions.js').Wish} Wish
 */

/** The page's own origin, which Vite proxies in development; outside a page, a local server. */
function defaultUrl() {
  return typeof window === 'undefined' ? 'http://localhost:5000' : window.location.origin;
}

export class WebSocketService {
  constructor() {
    this._events = new Emitter();
    this._observers = new Emitter();
    this._subscriptions = new Subscriptions();
    this._tokens = new Tokens();
    this._connection = new Connection({
      createSocket,
      tokens: this._tokens,
      onEvent: (event, ...args) => this._dispatch(event, ...args),
      onStateChange: () => this._observers.emit('state'),
      onAccepted: (socket) => {
        this._requests.start(socket);
        this._subscribeToAll();
        this._heartbeat.start(socket);
      },
      onDropped: () => {
        this._requests.stop();
        this._resumption.interrupt();
        this._heartbeat.stop();
      },
    });
    this._requests = new SymbolRequests({
      subscriptions: this._subscriptions,
      onSettled: () => this._resumption.settle(),
    });
    this._resumption = new Resumption({
      give: (event, payload) => this._tell(event, payload),
      onResumed: (recovered) => this._tell('resumed', { recovered }),
    });
    this._heartbeat = new Heartbeat({
      hidden: isHidden,
      onAnswer: (latencyMs) => this._connection.measured(latencyMs),
      onSilence: () => this._connection.lost('disconnected', null),
    });
    this._retainers = 0;
    /** Whether `connect` was called, and `disconnect` was not. */
    this._asked = false;
    /** @type {(() => void) | null} */
    this._stopWatching = null;
  }

  // --- the connection -----------------------------------------------------------------------------

  /**
   * Open the connection, or keep the open one when it goes to the same server. A new
   * `auth.token` is handed to a live connection in place. What is not given stays as it was.
   *
   * @param {string} [url]
   * @param {ConnectOptions} [options]
   */
  connect(url, options) {
    this._asked = true;
    this._open(url, options);
  }

  /**
   * Close the connection, whoever holds it, and drop the listeners added with `on`. Held symbols
   * stay held.
   */
  disconnect() {
    this._asked = false;
    this._close();
    this._connection.forget();
    this._events.clear();
  }

  /** Try at once instead of waiting for the next attempt. */
  retryNow() {
    this._connection.retryNow();
  }

  /**
   * Connect for as long as somebody holds the connection this way. The last release closes it a
   * moment later, so that a component that unmounts while another mounts costs nothing; one that
   * was opened by `connect` stays.
   *
   * @param {string} [url]
   * @param {ConnectOptions} [options]
   * @returns {() => void} Releases it.
   */
  retain(url, options) {
    this._retainers += 1;
    this._open(url, options);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this._retainers -= 1;
      setTimeout(() => this._retainers === 0 && !this._asked && this._close());
    };
  }

  /** @returns {boolean} Whether the server has accepted this connection. */
  isConnected() {
    return this._connection.accepted;
  }

  /** @returns {ConnectionState} Immutable; a new object after each change. */
  getState() {
    return this._connection.state;
  }

  /**
   * Where tokens come from when `connect` was given none, and where fresh ones do.
   * @param {import('./stream/tokens.js').TokenSource | null} source
   */
  setTokenSource(source) {
    this._tokens.setSource(source);
  }

  // --- symbols ------------------------------------------------------------------------------------

  /**
   * Ask for the updates of `symbols`, now or as soon as the connection stands. Counted: a symbol
   * is let go when everyone who subscribed to it has unsubscribed, and when the server refuses it.
   *
   * @param {string | string[]} symbols
   * @param {Wish} [wish] `realtime` adds `price_update` events, `candles` those of these intervals.
   */
  subscribe(symbols, wish) {
    const before = this._wishes();
    const added = this._subscriptions.hold(listOf(symbols), wish);
    this._resumption.startAnew(added);
    if (!this.isConnected()) return;
    if (added.length > 0 || this._wishes() !== before) this._requests.subscribe(added);
  }

  /**
   * @param {string | string[]} symbols
   * @param {Wish} [wish] As it was subscribed.
   */
  unsubscribe(symbols, wish) {
    const before = this._wishes();
    const gone = this._subscriptions.release(listOf(symbols), wish);
    if (!this.isConnected()) return;
    this._requests.unsubscribe(gone);
    if (this._wishes() !== before) this._requests.subscribe([]);
  }

  /** What is wanted of all symbols, for comparison. */
  _wishes() {
    const { realtime, candles } = this._subscriptions;
    return `${realtime} ${candles.sort().join()}`;
  }

  // --- listening ----------------------------------------------------------------------------------

  /**
   * Hear an event of the server, or `connect`, `disconnect`, `connect_error`, `reconnect_attempt`,
   * `reconnect`, `reconnect_error`, `reconnect_failed`. Works before and across connections. Each
   * signal and sentiment is heard once. `resumed` with `{ recovered }` follows a reconnection: true
   * when all that was said meanwhile comes next; false when some of it is not known any more, and
   * what is shown of the past has to be asked for anew.
   *
   * @param {string} event
   * @param {(...args: any[]) => void} callback
   * @returns {() => void} Removes the listener again.
   */
  on(event, callback) {
    return this._events.on(event, callback);
  }

  /**
   * @param {string} event
   * @param {(...args: any[]) => void} callback
   */
  off(event, callback) {
    this._events.off(event, callback);
  }

  /**
   * Hear every event with its name, also after `disconnect()`: for a store, not for a component.
   * @param {(event: string, payload: any) => void} callback
   * @returns {() => void}
   */
  observe(callback) {
    return this._observers.on('event', callback);
  }

  /**
   * Called after each change of `getState()`.
   * @param {() => void} callback
   * @returns {() => void}
   */
  onStateChange(callback) {
    return this._observers.on('state', callback);
  }

  // --- inside -------------------------------------------------------------------------------------

  /**
   * @param {string} event
   * @param {...unknown} args
   */
  _dispatch(event, ...args) {
    if (RESUMABLE.includes(event)) return this._resumption.take(event, args[0]);
    this._tell(event, ...args);
    if (event === 'subscription_confirmed') this._onConfirmed(/** @type {any} */ (args[0]));
  }

  /**
   * @param {string} event
   * @param {...unknown} args
   */
  _tell(event, ...args) {
    this._observers.emit('event', event, args[0]);
    this._events.emit(event, ...args);
  }

  /** @param {import('./types.js').SubscriptionConfirmed} payload */
  _onConfirmed(payload) {
    const { rejected = [] } = payload;
    this._subscriptions.refuse(rejected.map(({ symbol }) => symbol));
    this._resumption.confirmed(payload, !this._requests.settled);
  }

  /**
   * @param {string} [url]
   * @param {ConnectOptions} [options]
   */
  _open(url = this._connection.url ?? defaultUrl(), options) {
    this._stopWatching ??= watchPage({
      onOnline: () => this._retryIfWaiting(),
      onVisible: () => (this.isConnected() ? void this._heartbeat.beat() : this._retryIfWaiting()),
    });
    this._connection.connect(url, options);
  }

  /** Ask for what is held: from where on it is known, or anew. */
  _subscribeToAll() {
    const place = this._resumption.begin();
    const known = (/** @type {string} */ symbol) =>
      place !== null && this._resumption.follows(symbol);
    const { symbols } = this._subscriptions;
    // Without symbols, too: the sentiment is for everybody.
    if (place) this._requests.subscribe(symbols.filter(known), place);
    const anew = symbols.filter((symbol) => !known(symbol));
    if (anew.length > 0) this._requests.subscribe(anew);
  }

  _retryIfWaiting() {
    if (this.getState().phase === 'waiting') this._connection.retryNow();
  }

  _close() {
    this._stopWatching?.();
    this._stopWatching = null;
    this._connection.close();
    this._resumption.forget();
  }
}

const websocketService = new WebSocketService();

export default websocketService;
