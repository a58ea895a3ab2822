/**
 * What is asked of the server about symbols. Each request is answered; one that came too soon after
 * others is made again when the server says that it may.
 */
import { symbolBatches } from '../symbols.js';

/** What is not answered after this is counted as answered with nothing. */
export const ANSWER_TIMEOUT_MS = 10_000;

export class SymbolRequests {
  /**
   * @param {{ subscriptions: import('./subscriptions.js').Subscriptions, onSettled: () => void }}
   *   collaborators `onSettled` is called whenever all that was asked for is answered: all that the
   *   answers brought has come by then.
   */
  constructor({ subscriptions, onSettled }) {
    this._subscriptions = subscriptions;
    this._onSettled = onSettled;
    /** @type {import('./socket.js').Socket | null} */
    this._socket = null;
    /** Whether this connection was ever asked for candles: else there is nothing to take back. */
    this._hadCandles = false;
    this._unanswered = 0;
    /** @type {Set<ReturnType<typeof setTimeout>>} One for each request that is to be made again. */
    this._timers = new Set();
  }

  /** @param {import('./socket.js').Socket} socket That the server has accepted. */
  start(socket) {
    this._socket = socket;
    this._hadCandles = false;
  }

  /** Nothing is asked for any more, and no answer counts. */
  stop() {
    this._socket = null;
    this._unanswered = 0;
    for (const timer of this._timers) clearTimeout(timer);
    this._timers.clear();
  }

  /** @returns {boolean} Whether no answer is waited for. */
  get settled() {
    return this._unanswered === 0;
  }

  /**
   * @param {string[]} symbols None says only what is wanted of all, and from where to resume.
   * @param {import('./resumption.js').Place} [resume] From where on they are known.
   */
  subscribe(symbols, resume) {
    const batches = symbols.length > 0 ? symbolBatches(symbols) : [[]];
    for (const batch of batches) {
      const { realtime, candles } = this._subscriptions;
      this._hadCandles ||= candles.length > 0;
      const request = {
        symbols: batch,
        realtime,
        ...(this._hadCandles && { candles }),
        ...(resume && { resume }),
      };
      this._ask('subscribe', request, () => this.subscribe(this._held(batch), resume));
    }
  }

  /** @param {string[]} symbols */
  unsubscribe(symbols) {
    for (const batch of symbolBatches(symbols)) {
      this._ask('unsubscribe', { symbols: batch }, () => {
        const held = new Set(this._held(batch));
        this.unsubscribe(batch.filter((symbol) => !held.has(symbol)));
      });
    }
  }

  /** @param {string[]} symbols */
  _held(symbols) {
    const held = new Set(this._subscriptions.symbols);
    return symbols.filter((symbol) => held.has(symbol));
  }

  /**
   * @param {string} event
   * @param {object} request
   * @param {() => void} again Asks once more for what is still wanted of it.
   */
  _ask(event, request, again) {
    const socket = this._socket;
    if (!socket) return;
    this._unanswered += 1;
    socket.timeout(ANSWER_TIMEOUT_MS).emit(
      event,
      request,
      /**
       * @param {Error | null} _timedOut
       * @param {any} [answer]
       */
      (_timedOut, answer) => {
        if (socket !== this._socket) return;
        if (answer?.error?.code !== 'rate_limited') return this._answered();
        const timer = setTimeout(() => {
          this._timers.delete(timer);
          again();
          this._answered();
        }, answer.error.retry_after_ms);
        this._timers.add(timer);
      },
    );
  }

  _answered() {
    this._unanswered -= 1;
    if (this.settled) this._onSettled();
  }
}
