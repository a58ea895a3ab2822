/**
 * The connection's access token: where it comes from, and how an expiring or an expired one is
 * replaced, through one request however many ask for it.
 */

/** A server whose tokens live shorter than its warning would ask for a new one without end. */
export const RENEW_EVERY_MS = 30_000;
/** A token refused as expired this often in a row means that the clocks differ, so refreshing won't help. */
export const REPLACEMENTS_MAX = 2;

/**
 * @typedef {object} TokenSource
 * @property {() => string | null} token The access token to connect with.
 * @property {() => Promise<string | null>} refresh A fresh one; null when the session is over;
 *   rejects when the server could not be asked.
 */

export class Tokens {
  /** @param {{ now?: () => number }} [seams] `now` in ms, of a clock that is never set back. */
  constructor({ now = () => performance.now() } = {}) {
    this._now = now;
    /** @type {TokenSource | null} */
    this._source = null;
    /** @type {string | null} The one handed to `connect`, which goes before the source's. */
    this._given = null;
    /** @type {Promise<string | null> | null} */
    this._refreshing = null;
    this._replacements = 0;
    this._renewedAt = -Infinity;
  }

  /** @param {TokenSource | null} source */
  setSource(source) {
    this._source = source;
  }

  /**
   * @param {string | null} token Null leaves the one that was given before.
   * @returns {boolean} Whether it is another one.
   */
  give(token) {
    if (token === null || token === this._given) return false;
    this._given = token;
    return true;
  }

  /** Forget the token that was given. */
  forget() {
    this._given = null;
  }

  /** @returns {string | null} */
  get current() {
    return this._given ?? this._source?.token() ?? null;
  }

  /** The server took the token, or the visitor asks anew: refusals are counted from here. */
  settle() {
    this._replacements = 0;
  }

  /**
   * @param {string} error Why the server refused, in its words.
   * @returns {boolean} Whether a fresh token may help.
   */
  replaceable(error) {
    return error === 'Token expired' && this._replacements < REPLACEMENTS_MAX;
  }

  /**
   * A fresh token in place of a refused one.
   * @returns {Promise<string | null>} Null when the session is over; rejects when the server could
   *   not be asked.
   */
  replace() {
    this._replacements += 1;
    return this._refresh();
  }

  /**
   * A fresh token ahead of the expiry.
   * @returns {Promise<string | null>} Null when there was one a moment ago, or none can be had now.
   */
  async renewAhead() {
    if (this._now() - this._renewedAt < RENEW_EVERY_MS) return null;
    this._renewedAt = this._now();
    try {
      return await this._refresh();
    } catch (error) {
      // Not fatal yet: the token holds for another minute, and expiry itself is handled.
      console.warn('The access token could not be renewed ahead of its expiry', error);
      return null;
    }
  }

  _refresh() {
    this._refreshing ??= (this._source?.refresh() ?? Promise.resolve(null))
      .then((token) => {
        if (this._given !== null && token !== null) this._given = token;
        return token;
      })
      .finally(() => {
        this._refreshing = null;
      });
    return this._refreshing;
  }
}
