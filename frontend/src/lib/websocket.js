/**
 * The connection to the stream: one socket for the whole page, shared by whoever imports it.
 *
 * The server accepts a client only after the socket is open, with `connection_status`
 * `connected`; what was subscribed is sent then, and again after every reconnection. socket.io's
 * own reconnection is off: it hides the delay that the page counts down, does not come back from
 * a close by the server, and knows nothing of tokens.
 */
import { io } from 'socket.io-client';
import { backoffDelay } from './backoff.js';
import { Emitter } from './emitter.js';
import { Subscriptions } from './subscriptions.js';

/** The server takes at most this many symbols in one request. */
export const SYMBOLS_PER_REQUEST = 100;
/** An open socket on which the server says nothing of acceptance is given up after this. */
const ACCEPT_TIMEOUT_MS = 10_000;
const HEARTBEAT_INTERVAL_MS = 5_000;
const HEARTBEAT_TIMEOUT_MS = 4_000;
/** A connection that answered before and then misses this many in a row is dead (sleep, a new network). */
const MISSED_HEARTBEATS_MAX = 2;
/** A server whose tokens live shorter than its warning would ask for a new one without end. */
const RENEW_EVERY_MS = 30_000;
/** A token refused as expired this often in a row means that the clocks differ, so refreshing won't help. */
const REFRESHES_MAX = 2;

/**
 * @typedef {'connected' | 'disconnected' | 'error'} ConnectionStatus
 *
 * @typedef {object} ConnectionState
 * @property {ConnectionStatus} status
 * @property {'idle' | 'connecting' | 'connected' | 'renewing' | 'waiting' | 'failed'} phase
 *   `renewing`: connecting again with a fresh token in place of one that expired.
 * @property {number} attempt Reconnection attempts since the connection was lost.
 * @property {number | null} retryAt Epoch in ms of the next attempt, while `waiting`.
 * @property {number | null} latencyMs Round trip of the last heartbeat.
 * @property {string | null} feed Name of the server's data source.
 * @property {boolean} feedDegraded
 * @property {number | string | null} userId
 * @property {string | null} error Why the connection failed, in the server's words.
 *
 * @typedef {object} TokenSource
 * @property {() => string | null} token The access token to connect with.
 * @property {() => Promise<string | null>} refresh A fresh one; null when the session is over;
 *   rejects when the server could not be asked.
 *
 * @typedef {Partial<import('socket.io-client').ManagerOptions & import('socket.io-client').SocketOptions>
 *   & { auth?: { token?: string }, retryAfterFailureMs?: number }} ConnectOptions
 *   socket.io's own, and `retryAfterFailureMs`: after the last attempt, wait so long and begin
 *   again (absent: stay in `error`).
 */

/** @type {ConnectionState} */
const INITIAL_STATE = Object.freeze({
  status: 'disconnected',
  phase: 'idle',
  attempt: 0,
  retryAt: null,
  latencyMs: null,
  feed: null,
  feedDegraded: false,
  userId: null,
  error: null,
});

const DEFAULT_OPTIONS = {
  reconnection: true,
  reconnectionDelay: 1000,
  reconnectionDelayMax: 5000,
  reconnectionAttempts: 5,
  randomizationFactor: 0.5,
};

/** Long-polling is the fallback where a proxy lets no WebSocket through. */
const TRANSPORTS = { transports: ['websocket', 'polling'], tryAllTransports: true };

/** The page's own origin, which Vite proxies in development; outside a page, a local server. */
function defaultUrl() {
  return typeof window === 'undefined' ? 'http://localhost:5000' : window.location.origin;
}

export class WebSocketService {
  /** @param {{ random?: () => number }} [seams] */
  constructor({ random = Math.random } = {}) {
    this._random = random;
    this._events = new Emitter();
    this._observers = new Emitter();
    this._subscriptions = new Subscriptions();
    /** @type {ConnectionState} */
    this._state = INITIAL_STATE;
    /** @type {import('socket.io-client').Socket | null} */
    this._socket = null;
    /** @type {string} */
    this._url = '';
    /** @type {ConnectOptions & typeof DEFAULT_OPTIONS} */
    this._options = DEFAULT_OPTIONS;
    /** @type {string | null} */
    this._token = null;
    /** @type {TokenSource | null} */
    this._tokenSource = null;
    /** @type {Promise<string | null> | null} */
    this._refreshing = null;
    this._refreshes = 0;
    this._renewedAt = -Infinity;
    this._retainers = 0;
    this._missedHeartbeats = 0;
    this._heard = false;
    /** @type {number | null} */
    this._reconnectAfterMs = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._retryTimer = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._acceptTimer = undefined;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._heartbeatTimer = undefined;
    this._onOnline = () => this._state.phase === 'waiting' && this.retryNow();
    this._onVisible = () => document.visibilityState === 'visible' && this._wake();
  }

  // --- the connection -----------------------------------------------------------------------------

  /**
   * Open the connection, or keep the open one when it goes to the same server. A new
   * `auth.token` is handed to a live connection in place.
   *
   * @param {string} [url]
   * @param {ConnectOptions} [options]
   */
  connect(url = defaultUrl(), options = {}) {
    const token = options.auth?.token ?? null;
    const elsewhere = this._socket !== null && url !== this._url;
    if (elsewhere) this._close();
    this._url = url;
    this._options = { ...DEFAULT_OPTIONS, ...options };
    const newToken = token !== null && token !== this._token;
    if (token !== null) this._token = token;

    const { phase } = this._state;
    if (phase === 'connected') {
      if (newToken) this._authenticate(token);
    } else if ((phase !== 'connecting' && phase !== 'renewing') || newToken) {
      this._watchPage();
      this._refreshes = 0;
      this._open(0);
    }
  }

  /** Close the connection and drop the listeners added with `on`. Held symbols stay held. */
  disconnect() {
    this._close();
    this._token = null;
    this._events.clear();
  }

  /** Try at once instead of waiting for the next attempt. */
  retryNow() {
    if (this._state.phase === 'waiting' || this._state.phase === 'failed') this._open(0);
  }

  /**
   * Connect for as long as somebody holds the connection this way. The last release closes it a
   * moment later, so that a component that unmounts while another mounts costs nothing.
   *
   * @param {string} [url]
   * @param {ConnectOptions} [options]
   * @returns {() => void} Releases it.
   */
  retain(url, options) {
    this._retainers += 1;
    this.connect(url, options);
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this._retainers -= 1;
      setTimeout(() => this._retainers === 0 && this._close());
    };
  }

  /** @returns {boolean} Whether the server has accepted this connection. */
  isConnected() {
    return this._state.phase === 'connected';
  }

  /** @returns {ConnectionState} Immutable; a new object after each change. */
  getState() {
    return this._state;
  }

  /**
   * Where tokens come from when `connect` was given none, and where fresh ones do.
   * @param {TokenSource | null} source
   */
  setTokenSource(source) {
    this._tokenSource = source;
  }

  // --- symbols ------------------------------------------------------------------------------------

  /**
   * Ask for the updates of `symbols`, now or as soon as the connection stands. Counted: a symbol
   * is let go when everyone who subscribed to it has unsubscribed.
   *
   * @param {string[]} symbols
   * @param {{ realtime?: boolean }} [options] `realtime` adds `price_update` events.
   */
  subscribe(symbols, { realtime = false } = {}) {
    const wasRealtime = this._subscriptions.realtime;
    const added = this._subscriptions.hold(symbols, realtime);
    const faster = this._subscriptions.realtime && !wasRealtime;
    if (this.isConnected() && (added.length > 0 || faster)) this._sendSubscribe(added);
  }

  /**
   * @param {string[]} symbols
   * @param {{ realtime?: boolean }} [options] As it was subscribed.
   */
  unsubscribe(symbols, { realtime = false } = {}) {
    const wasRealtime = this._subscriptions.realtime;
    const gone = this._subscriptions.release(symbols, realtime);
    if (!this.isConnected()) return;
    if (gone.length > 0) this._socket?.emit('unsubscribe', { symbols: gone });
    if (wasRealtime && !this._subscriptions.realtime) this._sendSubscribe([]);
  }

  // --- listening ----------------------------------------------------------------------------------

  /**
   * Hear an event of the server, or `connect`, `disconnect`, `connect_error`, `reconnect_attempt`,
   * `reconnect`, `reconnect_error`, `reconnect_failed`. Works before and across connections.
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

  /** @param {Partial<ConnectionState>} change */
  _setState(change) {
    this._state = Object.freeze({ ...this._state, ...change });
    this._observers.emit('state');
  }

  /**
   * @param {string} event
   * @param {...unknown} args
   */
  _dispatch(event, ...args) {
    this._observers.emit('event', event, args[0]);
    this._events.emit(event, ...args);
  }

  /**
   * @param {number} attempt 0 for one that was asked for, else its number since the loss.
   * @param {'connecting' | 'renewing'} [phase]
   */
  _open(attempt, phase = 'connecting') {
    this._dropSocket();
    const socket = io(this._url, {
      ...TRANSPORTS,
      ...this._options,
      reconnection: false,
      forceNew: true,
      autoConnect: false,
      auth: (send) => send({ ...this._options.auth, token: this._currentToken() ?? undefined }),
    });
    this._socket = socket;
    this._reconnectAfterMs = null;
    this._setState({ phase, attempt, retryAt: null });
    if (attempt > 0) this._dispatch('reconnect_attempt', attempt);

    socket.on('connect', () => {
      this._acceptTimer = setTimeout(
        () => this._lost('error', 'The server did not answer'),
        ACCEPT_TIMEOUT_MS,
      );
      this._dispatch('connect');
    });
    socket.on('connect_error', (error) => {
      this._dispatch('connect_error', error);
      if (attempt > 0) this._dispatch('reconnect_error', error);
      this._lost('error', 'The server could not be reached');
    });
    socket.on('disconnect', (reason) => {
      this._dispatch('disconnect', reason);
      this._lost('disconnected', null);
    });
    socket.onAny((event, payload) => this._receive(event, payload));
    socket.connect();
  }

  /**
   * @param {string} event
   * @param {any} payload
   */
  _receive(event, payload) {
    if (event === 'connection_status') this._onStatus(payload);
    else if (event === 'auth_error') void this._onAuthError(payload);
    else if (event === 'server_shutdown') this._reconnectAfterMs = payload?.reconnect_after_ms;
    this._dispatch(event, payload);
  }

  /** @param {import('./types.js').StatusMessage} payload */
  _onStatus({ status, feed, user_id: userId }) {
    if (status === 'connected') this._accepted(feed ?? null, userId ?? null);
    else if (status === 'token_expiring') void this._renewInPlace();
    else if (status === 'feed_degraded') this._setState({ feedDegraded: true });
    else if (status === 'feed_restored') this._setState({ feedDegraded: false });
  }

  /**
   * @param {string | null} feed
   * @param {number | string | null} userId
   */
  _accepted(feed, userId) {
    clearTimeout(this._acceptTimer);
    const { attempt } = this._state;
    this._refreshes = 0;
    this._missedHeartbeats = 0;
    this._heard = false;
    this._setState({
      status: 'connected',
      phase: 'connected',
      attempt: 0,
      retryAt: null,
      error: null,
      feed,
      feedDegraded: false,
      userId,
    });
    if (attempt > 0) this._dispatch('reconnect', attempt);
    if (this._subscriptions.symbols.length > 0) this._sendSubscribe(this._subscriptions.symbols);
    clearInterval(this._heartbeatTimer);
    this._heartbeatTimer = setInterval(() => void this._beat(), HEARTBEAT_INTERVAL_MS);
    void this._beat();
  }

  /** @param {string[]} symbols */
  _sendSubscribe(symbols) {
    const { realtime } = this._subscriptions;
    for (let from = 0; from === 0 || from < symbols.length; from += SYMBOLS_PER_REQUEST) {
      const part = symbols.slice(from, from + SYMBOLS_PER_REQUEST);
      this._socket?.emit('subscribe', { symbols: part, realtime });
    }
  }

  /**
   * The connection is gone, or could not be made: wait and try again, up to the limit.
   * @param {ConnectionStatus} status
   * @param {string | null} error
   */
  _lost(status, error) {
    this._dropSocket();
    const { reconnection, reconnectionAttempts, retryAfterFailureMs } = this._options;
    const { attempt } = this._state;
    if (!reconnection || attempt >= reconnectionAttempts) {
      this._setState({ status: 'error', phase: 'failed', error, latencyMs: null, retryAt: null });
      if (reconnection) this._dispatch('reconnect_failed');
      if (reconnection && retryAfterFailureMs) this._wait(retryAfterFailureMs, 0);
      return;
    }
    this._setState({ status, error, latencyMs: null });
    this._wait(this._reconnectAfterMs ?? this._delay(attempt), attempt + 1);
  }

  /** @param {number} attempt */
  _delay(attempt) {
    const { reconnectionDelay, reconnectionDelayMax, randomizationFactor } = this._options;
    const limits = {
      base: reconnectionDelay,
      max: reconnectionDelayMax,
      factor: randomizationFactor,
    };
    return backoffDelay(attempt, limits, this._random);
  }

  /**
   * @param {number} delay
   * @param {number} attempt
   */
  _wait(delay, attempt) {
    clearTimeout(this._retryTimer);
    this._setState({ phase: 'waiting', retryAt: Date.now() + delay, attempt });
    this._retryTimer = setTimeout(() => this._open(attempt), delay);
  }

  _close() {
    this._dropSocket();
    if (typeof window !== 'undefined') {
      window.removeEventListener('online', this._onOnline);
      document.removeEventListener('visibilitychange', this._onVisible);
    }
    if (this._state !== INITIAL_STATE) {
      this._state = INITIAL_STATE;
      this._observers.emit('state');
    }
  }

  _dropSocket() {
    clearTimeout(this._retryTimer);
    clearTimeout(this._acceptTimer);
    clearInterval(this._heartbeatTimer);
    this._socket?.removeAllListeners();
    this._socket?.offAny();
    this._socket?.disconnect();
    this._socket = null;
  }

  _watchPage() {
    if (typeof window === 'undefined') return;
    window.addEventListener('online', this._onOnline);
    document.addEventListener('visibilitychange', this._onVisible);
  }

  _wake() {
    if (this.isConnected()) void this._beat();
    else if (this._state.phase === 'waiting') this.retryNow();
  }

  async _beat() {
    const socket = this._socket;
    // A hidden tab stays quiet; the transport's own pings keep the connection.
    if (!socket || (typeof document !== 'undefined' && document.hidden)) return;
    const sent = performance.now();
    try {
      await socket.timeout(HEARTBEAT_TIMEOUT_MS).emitWithAck('heartbeat', {
        client_time: Date.now(),
      });
    } catch {
      // The ack timed out, or the socket closed meanwhile and is not ours any more.
      if (socket !== this._socket || !this._heard) return;
      this._missedHeartbeats += 1;
      if (this._missedHeartbeats >= MISSED_HEARTBEATS_MAX) this._lost('disconnected', null);
      return;
    }
    if (socket !== this._socket) return;
    this._heard = true;
    this._missedHeartbeats = 0;
    this._setState({ latencyMs: Math.round(performance.now() - sent) });
  }

  // --- tokens -------------------------------------------------------------------------------------

  _currentToken() {
    return this._token ?? this._tokenSource?.token() ?? null;
  }

  /** One request, however many ask for it. */
  _refresh() {
    this._refreshing ??= (this._tokenSource?.refresh() ?? Promise.resolve(null))
      .then((token) => {
        if (this._token !== null && token !== null) this._token = token;
        return token;
      })
      .finally(() => {
        this._refreshing = null;
      });
    return this._refreshing;
  }

  /** @param {string | null} token */
  _authenticate(token) {
    if (token !== null) this._socket?.emit('authenticate', { token });
  }

  async _renewInPlace() {
    if (performance.now() - this._renewedAt < RENEW_EVERY_MS) return;
    this._renewedAt = performance.now();
    const socket = this._socket;
    try {
      const token = await this._refresh();
      if (socket === this._socket) this._authenticate(token);
    } catch (error) {
      // Not fatal yet: the token holds for another minute, and expiry itself is handled.
      console.warn('The access token could not be renewed ahead of its expiry', error);
    }
  }

  /** @param {{ error: string }} payload */
  async _onAuthError({ error }) {
    this._dropSocket();
    if (error !== 'Token expired' || this._refreshes >= REFRESHES_MAX) return this._refuse(error);
    this._refreshes += 1;
    this._setState({ phase: 'renewing' });
    let token;
    try {
      token = await this._refresh();
    } catch {
      // The server could not be asked; it may be restarting.
      if (this._socket === null && this._state.phase === 'renewing') {
        this._lost('error', 'The server could not be reached');
      }
      return;
    }
    // Meanwhile somebody may have disconnected, or connected anew.
    if (this._socket !== null || this._state.phase !== 'renewing') return;
    if (token === null) this._refuse(error);
    else this._open(this._state.attempt, 'renewing');
  }

  /** @param {string} error */
  _refuse(error) {
    this._setState({ status: 'error', phase: 'failed', error, latencyMs: null, retryAt: null });
  }
}

const websocketService = new WebSocketService();

export default websocketService;
