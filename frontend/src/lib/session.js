/**
 * Who is signed in. The access token lives in this module's memory; the refresh token in an
 * HttpOnly cookie that only `/api/auth` gets (asked for with `X-Refresh-Cookie`), where no script
 * of a page can read it. A refresh token used twice revokes its whole family, so one tab at a time
 * refreshes, under a Web Lock, and tells the others.
 */
import { createStore } from 'zustand/vanilla';
import { ApiError, request } from './api.js';

/** Says that a cookie is worth trying, so that a first visit makes no request bound to fail. */
const HINT_KEY = 'crs.session';
const CHANNEL = 'crs.session';
/** When a refresh began that has not been answered. */
const PENDING_KEY = 'crs.session.refreshing';
/** By then its answer, and with it the next cookie, has arrived. */
const SETTLED_AFTER_MS = 2_000;
const LOCK = 'crs.session.refresh';
const COOKIE_HEADERS = { 'X-Refresh-Cookie': '1' };
/** A token that another tab fetched is used when it holds at least this much longer. */
const FRESH_MS = 5_000;
const RETRY_MS = 3_000;

/**
 * @typedef {{ id: number | string, username: string }} User
 * @typedef {object} SessionState
 * @property {'restoring' | 'signed-out' | 'signed-in'} status
 * @property {User | null} user
 * @property {string | null} accessToken
 * @property {number} expiresAt Epoch in ms.
 * @property {boolean} ended True when the session ended by itself rather than by a sign-out.
 */

/** @type {SessionState} */
const SIGNED_OUT = {
  status: 'signed-out',
  user: null,
  accessToken: null,
  expiresAt: 0,
  ended: false,
};

/** @param {Storage} storage */
export function createSession(storage = window.localStorage) {
  const channel = new BroadcastChannel(CHANNEL);
  const store = createStore(
    /** @returns {SessionState} */ () => ({
      ...SIGNED_OUT,
      status: storage.getItem(HINT_KEY) ? 'restoring' : 'signed-out',
    }),
  );
  /** @type {Promise<string | null> | null} */
  let refreshing = null;

  /** @param {any} answer Of login or refresh. */
  function signedIn(answer) {
    const state = {
      ...SIGNED_OUT,
      status: /** @type {const} */ ('signed-in'),
      user: answer.user,
      accessToken: answer.access_token,
      expiresAt: Date.now() + answer.expires_in * 1000,
    };
    storage.setItem(HINT_KEY, '1');
    store.setState(state);
    return state;
  }

  /** @param {boolean} ended */
  function signedOut(ended) {
    storage.removeItem(HINT_KEY);
    store.setState({ ...SIGNED_OUT, ended });
  }

  channel.onmessage = ({ data }) => {
    const { status } = store.getState();
    if (data.type === 'signed-out') signedOut(data.ended);
    // Somebody else may have signed in there; a tab with an open session keeps its own user.
    else if (status !== 'signed-in' || data.state.user?.id === store.getState().user?.id) {
      store.setState(data.state);
    }
  };

  /** @param {string | null} usedToken The token that no longer serves. */
  async function refreshLocked(usedToken) {
    const { accessToken, expiresAt } = store.getState();
    if (accessToken !== usedToken && expiresAt - Date.now() > FRESH_MS) return accessToken;
    await settled();
    storage.setItem(PENDING_KEY, String(Date.now()));
    try {
      const answer = await request('/api/auth/refresh', {
        method: 'POST',
        body: {},
        headers: COOKIE_HEADERS,
        keepalive: true,
      });
      storage.removeItem(PENDING_KEY);
      const state = signedIn(answer);
      channel.postMessage({ type: 'signed-in', state });
      return state.accessToken;
    } catch (error) {
      // Without an answer the request may still be on its way: a page that is left sees it fail.
      if (error instanceof ApiError && error.status > 0) storage.removeItem(PENDING_KEY);
      if (!(error instanceof ApiError) || error.status !== 401) throw error;
      signedOut(true);
      channel.postMessage({ type: 'signed-out', ended: true });
      return null;
    }
  }

  /**
   * A page that goes away while it refreshes takes its lock with it, but its request goes on. To
   * present the old cookie meanwhile would be the second use that revokes the family.
   */
  async function settled() {
    const since = Date.now() - Number(storage.getItem(PENDING_KEY) ?? 0);
    if (since < 0 || since >= SETTLED_AFTER_MS) return;
    await new Promise((resolve) => setTimeout(resolve, SETTLED_AFTER_MS - since));
  }

  /**
   * A fresh access token through one shared request; null when the session is over. Rejects when
   * the server could not be asked.
   */
  function refresh() {
    const { accessToken } = store.getState();
    refreshing ??= navigator.locks
      .request(LOCK, () => refreshLocked(accessToken))
      .finally(() => {
        refreshing = null;
      });
    return refreshing;
  }

  return {
    ...store,
    refresh,
    token: () => store.getState().accessToken,

    /** Pick up the session of an earlier visit, if there is one; keeps asking until it knows. */
    async restore() {
      while (store.getState().status === 'restoring') {
        try {
          await refresh();
        } catch (error) {
          console.warn('The session could not be restored; trying again', error);
          await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        }
      }
    },

    /**
     * @param {string} username
     * @param {string} password
     */
    async signIn(username, password) {
      const answer = await request('/api/auth/login', {
        method: 'POST',
        body: { username, password },
        headers: COOKIE_HEADERS,
      });
      signedIn(answer);
      channel.postMessage({ type: 'signed-in', state: store.getState() });
    },

    /**
     * Create the account and sign in to it.
     * @param {string} username
     * @param {string} password
     */
    async signUp(username, password) {
      await request('/api/auth/register', { method: 'POST', body: { username, password } });
      await this.signIn(username, password);
    },

    /** Revokes the session on the server; signs out here even when that can't be reached. */
    async signOut() {
      const { accessToken } = store.getState();
      signedOut(false);
      channel.postMessage({ type: 'signed-out', ended: false });
      await request('/api/auth/logout', {
        method: 'POST',
        body: {},
        headers: { ...COOKIE_HEADERS, Authorization: `Bearer ${accessToken}` },
      });
    },

    /** Give up on the session, as when the server has revoked it. */
    end() {
      signedOut(true);
    },

    close() {
      channel.close();
    },
  };
}

export const session = createSession();
