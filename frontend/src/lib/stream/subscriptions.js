/**
 * Which symbols are wanted and by how many holders, and whether any holder wants them in real
 * time (which the server decides per connection, not per symbol).
 */
export class Subscriptions {
  constructor() {
    /** @type {Map<string, number>} */
    this._holders = new Map();
    this._realtimeHolders = 0;
  }

  /**
   * @param {string[]} symbols
   * @param {boolean} realtime
   * @returns {string[]} Those that nobody held before.
   */
  hold(symbols, realtime) {
    const added = [];
    for (const symbol of new Set(symbols)) {
      const holders = this._holders.get(symbol) ?? 0;
      if (holders === 0) added.push(symbol);
      this._holders.set(symbol, holders + 1);
    }
    if (realtime) this._realtimeHolders += 1;
    return added;
  }

  /**
   * @param {string[]} symbols
   * @param {boolean} realtime
   * @returns {string[]} Those that nobody holds any more.
   */
  release(symbols, realtime) {
    const gone = [];
    for (const symbol of new Set(symbols)) {
      const holders = this._holders.get(symbol);
      if (holders === undefined) continue;
      if (holders > 1) this._holders.set(symbol, holders - 1);
      else {
        this._holders.delete(symbol);
        gone.push(symbol);
      }
    }
    if (realtime) this._realtimeHolders = Math.max(0, this._realtimeHolders - 1);
    return gone;
  }

  /** @returns {string[]} */
  get symbols() {
    return [...this._holders.keys()];
  }

  /** @returns {boolean} */
  get realtime() {
    return this._realtimeHolders > 0;
  }
}
