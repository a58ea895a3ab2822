/**
 * Where the client stands in what the server says of signals and sentiment: after a loss of the
 * connection it goes on from there, so that the application is given all of it, in order, and nothing
 * twice.
 *
 * A connection begins with what everybody hears, and what was missed comes after that. So what comes
 * is held until the server has answered, and then given in the order of its offsets.
 */

/**
 * @typedef {{ epoch: string, offset: number }} Place
 * @typedef {import('../types.js').SubscriptionConfirmed} Confirmation
 * @typedef {{ offset: number, id?: string }} Given
 */

/** Before any offset. */
const NOWHERE = -1;

export class Resumption {
  /**
   * @param {{ give: (event: string, payload: any) => void, onResumed: (recovered: boolean) => void }}
   *   listener `give` is called with each event once; `onResumed` after a reconnection, before what
   *   was missed, and when the server has lost what could be resumed: with whether all of it is given.
   */
  constructor({ give, onResumed }) {
    this._give = give;
    this._onResumed = onResumed;
    this.forget();
  }

  /** Begin anew, as one who has heard nothing. */
  forget() {
    /** @type {Place | null} What the server said up to here was given. */
    this._place = null;
    this._hasBegun = false;
    /** @type {Set<string>} Symbols that this holds for. */
    this._followed = new Set();
    /** @type {Map<string, Given>} What was given last, by symbol, and of the sentiment. */
    this._given = new Map();
    this.interrupt();
  }

  /** The connection is gone; what was held is said again on the next one. */
  interrupt() {
    /** @type {{ event: string, payload: any }[] | null} Bounded by what the server replays. */
    this._held = null;
    /** @type {Confirmation[]} */
    this._confirmations = [];
  }

  /**
   * The server has accepted the connection.
   * @returns {Place | null} From where to resume.
   */
  begin() {
    const again = this._hasBegun;
    this._hasBegun = true;
    if (this._place) {
      this._held = [];
      return { ...this._place };
    }
    this._forgetOffsets();
    if (again) this._onResumed(false);
    return null;
  }

  /**
   * @param {string} symbol
   * @returns {boolean} Whether all that was said of it, up to the place, was given.
   */
  follows(symbol) {
    return this._followed.has(symbol);
  }

  /**
   * They are asked for anew, and are to begin with their present state.
   * @param {string[]} symbols
   */
  startAnew(symbols) {
    for (const symbol of symbols) {
      this._followed.delete(symbol);
      this._given.delete(symbol);
    }
  }

  /**
   * @param {Confirmation} confirmation
   * @param {boolean} asked Whether it may be the answer to a request.
   */
  confirmed(confirmation, asked) {
    if (this._held || confirmation.recovered !== false) {
      if (asked) this._confirmations.push(confirmation);
      return;
    }
    // What could be resumed is lost, and what was confirmed before with it.
    this._confirmations = [];
    this._stand(confirmation);
    this._onResumed(false);
  }

  /** All that was asked for is answered. */
  settle() {
    const [confirmations, held] = [this._confirmations, this._held];
    this.interrupt();
    for (const confirmation of confirmations) {
      this._stand(confirmation);
      for (const symbol of confirmation.symbols) this._followed.add(symbol);
    }
    if (!held) return;
    // Where nothing is confirmed, nobody knows what the place means.
    if (confirmations.length === 0) this._place = null;
    const resumed = confirmations.some(({ recovered }) => recovered);
    this._onResumed(resumed && confirmations.every((each) => this._whole(each)));
    held.sort((a, b) => a.payload.offset - b.payload.offset);
    for (const { event, payload } of held) this._giveOnce(event, payload);
  }

  /**
   * @param {Confirmation} confirmation
   * @returns {boolean} Whether nothing was missed of its symbols.
   */
  _whole({ symbols, recovered }) {
    // They begin with it, unless the connection was lost as they were about to.
    if (recovered === undefined) return !symbols.some((symbol) => this._given.has(symbol));
    return recovered;
  }

  /**
   * The server has said something that may be resumed.
   * @param {string} event
   * @param {any} payload
   */
  take(event, payload) {
    // A server that knows no places gives no offsets.
    if (payload?.offset === undefined) this._give(event, payload);
    else if (this._held) this._held.push({ event, payload });
    else this._giveOnce(event, payload);
  }

  /**
   * @param {string} event
   * @param {any} payload
   */
  _giveOnce(event, payload) {
    const { symbol, id, offset } = payload;
    const topic = symbol ?? event;
    if (this._place) this._place.offset = Math.max(this._place.offset, offset);
    const given = this._given.get(topic);
    if (given && offset <= given.offset) return;
    this._given.set(topic, { offset, id });
    // A sentiment is said again as long as it holds; a signal has another id each time.
    if (given && symbol !== undefined && id === given.id) return;
    this._give(event, payload);
  }

  /** @param {Confirmation} confirmation */
  _stand({ epoch, offset }) {
    if (epoch === undefined || offset === undefined) return;
    if (this._place?.epoch === epoch) {
      this._place.offset = Math.max(this._place.offset, offset);
      return;
    }
    if (this._place) this._forgetOffsets();
    this._place = { epoch, offset };
  }

  /** They may be of another epoch. */
  _forgetOffsets() {
    for (const given of this._given.values()) given.offset = NOWHERE;
  }
}
