/** Whether and when a connection that was lost, or could not be made, is tried again. */
import { backoffDelay } from './backoff.js';

/**
 * @typedef {Partial<import('socket.io-client').ManagerOptions & import('socket.io-client').SocketOptions>
 *   & { auth?: { token?: string }, retryAfterFailureMs?: number }} ConnectOptions
 *   socket.io's own, and `retryAfterFailureMs`: after the last attempt, wait so long and begin
 *   again (absent: stay in `error`).
 */

export const DEFAULT_OPTIONS = {
  reconnection: true,
  reconnectionDelay: 1000,
  reconnectionDelayMax: 5000,
  reconnectionAttempts: 5,
  randomizationFactor: 0.5,
};

/**
 * @param {number} attempt The one that ended; 0 for a connection that stood, or was asked for.
 * @param {typeof DEFAULT_OPTIONS} options
 * @param {() => number} random In 0..1.
 * @returns {{ attempt: number, delay: number } | null} The next one and how many ms to wait for it;
 *   null when it was the last.
 */
export function nextAttempt(attempt, options, random) {
  if (!options.reconnection || attempt >= options.reconnectionAttempts) return null;
  const limits = {
    base: options.reconnectionDelay,
    max: options.reconnectionDelayMax,
    factor: options.randomizationFactor,
  };
  return { attempt: attempt + 1, delay: backoffDelay(attempt, limits, random) };
}
