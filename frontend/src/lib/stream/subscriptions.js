/**
 * Which symbols are wanted and by how many holders, which of them the server has refused, and
 * whether any holder wants them in real time, or their candles (which the server decides per
 * connection, not per symbol).
 *
 * @typedef {{ realtime?: boolean, candles?: string[] }} Wish `candles`: their intervals.
 */
export class Subscriptions {
  constructor() {
    /** @type {Map<string, number>} */
    this._holders = new Map();
    /** @type {Set<string>} Wanted, but not to be had; asked for again when somebody comes anew. */
    this._refused = new Set();
    this._realtimeHolders = 0;
    /** @type {Map<string, number>} By interval. */
    this._candleHolders = new Map();
  }

  /**
   * @param {string[]} symbols
   * @param {Wish} [wish]
   * @returns {string[]} Those that are to be asked for: nobody held them before.
   */
  hold(symbols, { realtime = false, candles = [] } = {}) {
    const added = [];
    for (const symbol of new Set(symbols)) {
      const holders = this._holders.get(symbol) ?? 0;
      if (holders === 0 || this._refused.delete(symbol)) added.push(symbol);
      this._holders.set(symbol, holders + 1);
    }
    if (realtime) this._realtimeHolders += 1;
    for (const interval of candles) this._countCandles(interval, 1);
    return added;
  }

  /**
   * @param {string[]} symbols
   * @param {Wish} [wish] As they were held.
   * @returns {string[]} Those that are to be let go: nobody holds them any more.
   */
  release(symbols, { realtime = false, candles = [] } = {}) {
    const gone = [];
    for (const symbol of new Set(symbols)) {
      const holders = this._holders.get(symbol);
      if (holders === undefined) continue;
      if (holders > 1) this._holders.set(symbol, holders - 1);
      else {
        this._holders.delete(symbol);
        if (!this._refused.delete(symbol)) gone.push(symbol);
      }
    }
    if (realtime) this._realtimeHolders = Math.max(0, this._realtimeHolders - 1);
    for (const interval of candles) this._countCandles(interval, -1);
    return gone;
  }

  /**
   * The server does not have them.
   * @param {string[]} symbols
   */
  refuse(symbols) {
    for (const symbol of symbols) if (this._holders.has(symbol)) this._refused.add(symbol);
  }

  /** @returns {string[]} Those that are held: wanted, and not refused. */
  get symbols() {
    return [...this._holders.keys()].filter((symbol) => !this._refused.has(symbol));
  }

  /** @returns {boolean} */
  get realtime() {
    return this._realtimeHolders > 0;
  }

  /** @returns {string[]} Intervals. */
  get candles() {
    return [...this._candleHolders.keys()];
  }

  /**
   * @param {string} interval
   * @param {1 | -1} step
   */
  _countCandles(interval, step) {
    const holders = (this._candleHolders.get(interval) ?? 0) + step;
    if (holders > 0) this._candleHolders.set(interval, holders);
    else this._candleHolders.delete(interval);
  }
}
