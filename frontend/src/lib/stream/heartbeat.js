/**
 * Asks the server now and then whether it is there: measures the round trip, and notices a
 * connection that died without a word (sleep, a new network).
 */
export const HEARTBEAT_INTERVAL_MS = 5_000;
const HEARTBEAT_TIMEOUT_MS = 4_000;
/** A connection that answered before and then misses this many in a row is dead. */
export const MISSED_HEARTBEATS_MAX = 2;

export class Heartbeat {
  /**
   * @param {{ onAnswer: (latencyMs: number) => void, onSilence: () => void,
   *   hidden: () => boolean, now?: () => number }} collaborators `hidden`: whether nobody looks at
   *   the page; `now` in ms, of a clock that is never set back.
   */
  constructor({ onAnswer, onSilence, hidden, now = () => performance.now() }) {
    this._onAnswer = onAnswer;
    this._onSilence = onSilence;
    this._hidden = hidden;
    this._now = now;
    /** @type {import('./socket.js').Socket | null} */
    this._socket = null;
    /** Since the last answer. */
    this._missed = 0;
    /** Whether this socket's server answers at all. */
    this._heard = false;
    /** @type {ReturnType<typeof setInterval> | undefined} */
    this._timer = undefined;
  }

  /** @param {import('./socket.js').Socket} socket That the server has accepted. */
  start(socket) {
    this.stop();
    this._socket = socket;
    this._heard = false;
    this._timer = setInterval(() => void this.beat(), HEARTBEAT_INTERVAL_MS);
    void this.beat();
  }

  stop() {
    clearInterval(this._timer);
    this._socket = null;
  }

  /** Ask now, out of turn. */
  async beat() {
    const socket = this._socket;
    // A hidden tab stays quiet; the transport's own pings keep the connection.
    if (!socket || this._hidden()) return;
    const sent = this._now();
    try {
      await socket.timeout(HEARTBEAT_TIMEOUT_MS).emitWithAck('heartbeat', {
        client_time: Date.now(),
      });
    } catch {
      // The ack timed out, or the socket closed meanwhile and is not ours any more.
      if (socket !== this._socket || !this._heard) return;
      this._missed += 1;
      if (this._missed >= MISSED_HEARTBEATS_MAX) this._onSilence();
      return;
    }
    if (socket !== this._socket) return;
    this._heard = true;
    this._missed = 0;
    this._onAnswer(Math.round(this._now() - sent));
  }
}
