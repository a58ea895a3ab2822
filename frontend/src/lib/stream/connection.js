/**
 * The connection's course: opened, accepted, lost, waited for, opened again. The server accepts a
 * client only after the socket is open, with `connection_status` `connected`.
 */
import { DEFAULT_OPTIONS, nextAttempt } from './reconnection.js';
import { changed, INITIAL_STATE } from './state.js';

/** An open socket on which the server says nothing of acceptance is given up after this. */
export const ACCEPT_TIMEOUT_MS = 10_000;

/**
 * @typedef {import('./socket.js').Socket} Socket
 * @typedef {import('./state.js').ConnectionState} ConnectionState
 * @typedef {import('./reconnection.js').ConnectOptions} ConnectOptions
 *
 * @typedef {object} Listener What happens on the way.
 * @property {(event: string, ...args: unknown[]) => void} onEvent An event of the server, or of the
 *   course itself (`connect`, `disconnect`, `reconnect`, ...).
 * @property {() => void} onStateChange
 * @property {(socket: Socket) => void} onAccepted
 * @property {() => void} onDropped The socket, if there was one, is about to be closed.
 */

export class Connection {
  /**
   * @param {{ createSocket: typeof import('./socket.js').createSocket,
   *   tokens: import('./tokens.js').Tokens, random?: () => number, now?: () => number } & Listener}
   *   collaborators `random` in 0..1, `now` epoch in ms.
   */
  constructor({ createSocket, tokens, random = Math.random, now = Date.now, ...listener }) {
    this._createSocket = createSocket;
    this._tokens = tokens;
    this._random = random;
    this._now = now;
    /** @type {Listener} */
    this._listener = listener;
    /** @type {ConnectionState} */
    this._state = INITIAL_STATE;
    /** @type {Socket | null} */
    this._socket = null;
    /** @type {string | null} */
    this._url = null;
    /** @type {ConnectOptions & typeof DEFAULT_OPTIONS} */
    this._options = DEFAULT_OPTIONS;
    /** @type {number | null} How long a server that shuts down said to wait. */
    this._reconnectAfterMs = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._retryTimer = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this._acceptTimer = undefined;
  }

  /** @returns {ConnectionState} Immutable; a new object after each change. */
  get state() {
    return this._state;
  }

  get accepted() {
    return this._state.phase === 'connected';
  }

  /** @returns {string | null} Where it goes; null before it was told. */
  get url() {
    return this._url;
  }

  /**
   * Open, or keep what is open when it goes to the same server.
   * @param {string} url
   * @param {ConnectOptions} [options] Those that are not given stay as they were.
   */
  connect(url, options = {}) {
    if (this._socket !== null && url !== this._url) this.close();
    this._url = url;
    this._options = { ...this._options, ...options };
    const token = options.auth?.token ?? null;
    const newToken = this._tokens.give(token);

    const { phase } = this._state;
    if (phase === 'connected') {
      if (newToken) this._authenticate(token);
    } else if ((phase !== 'connecting' && phase !== 'renewing') || newToken) {
      this._tokens.settle();
      this._open(0);
    }
  }

  close() {
    this._dropSocket();
    if (this._state === INITIAL_STATE) return;
    this._state = INITIAL_STATE;
    this._listener.onStateChange();
  }

  /** Forget where it went, and with which options and token. */
  forget() {
    this._url = null;
    this._options = DEFAULT_OPTIONS;
    this._tokens.forget();
  }

  /** Try at once instead of waiting for the next attempt. */
  retryNow() {
    if (this._state.phase === 'waiting' || this._state.phase === 'failed') this._open(0);
  }

  /** @param {number} latencyMs Round trip. */
  measured(latencyMs) {
    this._setState({ latencyMs });
  }

  /**
   * The connection is gone, or could not be made: wait and try again, up to the limit.
   * @param {import('./state.js').ConnectionStatus} status
   * @param {string | null} error
   */
  lost(status, error) {
    this._dropSocket();
    const { reconnection, retryAfterFailureMs } = this._options;
    const next = nextAttempt(this._state.attempt, this._options, this._random);
    if (next === null) {
      this._fail(error);
      if (reconnection) this._listener.onEvent('reconnect_failed');
      if (reconnection && retryAfterFailureMs) this._wait(retryAfterFailureMs, 0);
      return;
    }
    const delay = this._reconnectAfterMs ?? next.delay;
    this._wait(delay, next.attempt, { status, error, offlineSince: this._offlineSince() });
  }

  /** @param {Partial<ConnectionState>} change */
  _setState(change) {
    this._state = changed(this._state, change);
    this._listener.onStateChange();
  }

  /**
   * @param {number} attempt 0 for one that was asked for, else its number since the loss.
   * @param {'connecting' | 'renewing'} [phase]
   */
  _open(attempt, phase = 'connecting') {
    this._dropSocket();
    const { onEvent } = this._listener;
    const url = /** @type {string} */ (this._url);
    const socket = this._createSocket(url, this._options, () => ({
      ...this._options.auth,
      token: this._tokens.current ?? undefined,
    }));
    this._socket = socket;
    this._reconnectAfterMs = null;
    this._setState({ phase, attempt, retryAt: null });
    if (attempt > 0) onEvent('reconnect_attempt', attempt);

    socket.on('connect', () => {
      this._acceptTimer = setTimeout(
        () => this.lost('error', 'The server did not answer'),
        ACCEPT_TIMEOUT_MS,
      );
      onEvent('connect');
    });
    socket.on('connect_error', (error) => {
      onEvent('connect_error', error);
      if (attempt > 0) onEvent('reconnect_error', error);
      this.lost('error', 'The server could not be reached');
    });
    socket.on('disconnect', (reason) => {
      onEvent('disconnect', reason);
      this.lost('disconnected', null);
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
    this._listener.onEvent(event, payload);
  }

  /** @param {import('../types.js').StatusMessage} payload */
  _onStatus({ status, feed, user_id: userId }) {
    if (status === 'connected') this._onAccepted(feed ?? null, userId ?? null);
    else if (status === 'token_expiring') void this._renewInPlace();
    else if (status === 'feed_degraded') this._setState({ feedDegraded: true });
    else if (status === 'feed_restored') this._setState({ feedDegraded: false });
  }

  /**
   * @param {string | null} feed
   * @param {number | string | null} userId
   */
  _onAccepted(feed, userId) {
    clearTimeout(this._acceptTimer);
    const { attempt } = this._state;
    this._tokens.settle();
    this._setState({
      phase: 'connected',
      attempt: 0,
      retryAt: null,
      offlineSince: null,
      error: null,
      feed,
      feedDegraded: false,
      userId,
    });
    if (attempt > 0) this._listener.onEvent('reconnect', attempt);
    // Whoever heard of it may have disconnected at once.
    if (this._socket) this._listener.onAccepted(this._socket);
  }

  /**
   * @param {number} delay
   * @param {number} attempt
   * @param {Partial<ConnectionState>} [change] What else is new.
   */
  _wait(delay, attempt, change) {
    clearTimeout(this._retryTimer);
    const retryAt = this._now() + delay;
    this._setState({ ...change, phase: 'waiting', retryAt, attempt, latencyMs: null });
    this._retryTimer = setTimeout(() => this._open(attempt), delay);
  }

  _dropSocket() {
    clearTimeout(this._retryTimer);
    clearTimeout(this._acceptTimer);
    // First: what waits for an answer is told of the end as the socket is closed.
    this._listener.onDropped();
    this._socket?.removeAllListeners();
    this._socket?.offAny();
    this._socket?.disconnect();
    this._socket = null;
  }

  /** @param {string | null} token */
  _authenticate(token) {
    if (token !== null) this._socket?.emit('authenticate', { token });
  }

  async _renewInPlace() {
    const socket = this._socket;
    const token = await this._tokens.renewAhead();
    if (socket === this._socket) this._authenticate(token);
  }

  /** @param {{ error: string }} payload */
  async _onAuthError({ error }) {
    this._dropSocket();
    if (!this._tokens.replaceable(error)) return this._fail(error);
    this._setState({ phase: 'renewing' });
    // Meanwhile somebody may disconnect, or connect anew.
    const superseded = () => this._socket !== null || this._state.phase !== 'renewing';
    let token;
    try {
      token = await this._tokens.replace();
    } catch {
      // The server could not be asked; it may be restarting.
      if (!superseded()) this.lost('error', 'The server could not be reached');
      return;
    }
    if (superseded()) return;
    if (token === null) this._fail(error);
    else this._open(this._state.attempt, 'renewing');
  }

  _offlineSince() {
    return this._state.offlineSince ?? this._now();
  }

  /** @param {string | null} error */
  _fail(error) {
    this._setState({
      status: 'error',
      phase: 'failed',
      error,
      offlineSince: this._offlineSince(),
      latencyMs: null,
      retryAt: null,
    });
  }
}
