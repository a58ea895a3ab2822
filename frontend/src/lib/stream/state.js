/**
 * What is known of the connection, for the page to show.
 *
 * @typedef {'connected' | 'disconnected' | 'error'} ConnectionStatus
 *
 * @typedef {object} ConnectionState
 * @property {ConnectionStatus} status `connected` in that phase, and in no other.
 * @property {'idle' | 'connecting' | 'connected' | 'renewing' | 'waiting' | 'failed'} phase
 *   `renewing`: connecting again with a fresh token in place of one that expired.
 * @property {number} attempt Reconnection attempts since the connection was lost.
 * @property {number | null} retryAt Epoch in ms of the next attempt, while `waiting`.
 * @property {number | null} offlineSince Epoch in ms since which there is no connection to be had:
 *   it was lost, or could not be made.
 * @property {number | null} latencyMs Round trip of the last heartbeat.
 * @property {string | null} feed Name of the server's data source.
 * @property {boolean} feedDegraded
 * @property {number | string | null} userId
 * @property {string | null} error Why the connection failed, in the server's words.
 */

/** @type {ConnectionState} */
export const INITIAL_STATE = Object.freeze({
  status: 'disconnected',
  phase: 'idle',
  attempt: 0,
  retryAt: null,
  offlineSince: null,
  latencyMs: null,
  feed: null,
  feedDegraded: false,
  userId: null,
  error: null,
});

/**
 * What a change makes of a state.
 * @param {ConnectionState} state
 * @param {Partial<ConnectionState>} change
 * @returns {ConnectionState}
 */
export function changed(state, change) {
  const next = { ...state, ...change };
  if (next.phase === 'connected') next.status = 'connected';
  else if (next.status === 'connected') next.status = 'disconnected';
  return Object.freeze(next);
}

/** @param {ConnectionState} state */
export const isOffline = (state) => state.offlineSince !== null;
