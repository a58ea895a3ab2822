/**
 * One socket of socket.io, bare: its own reconnection is off, since it hides the delay that the
 * page counts down, does not come back from a close by the server, and knows nothing of tokens.
 */
import { io } from 'socket.io-client';

/** @typedef {import('socket.io-client').Socket} Socket */

/** Long-polling is the fallback where a proxy lets no WebSocket through. */
const TRANSPORTS = { transports: ['websocket', 'polling'], tryAllTransports: true };

/**
 * @param {string} url
 * @param {import('./reconnection.js').ConnectOptions} options
 * @param {() => object} auth Asked for as the socket opens, when the token may be another.
 * @returns {Socket} Not opened yet.
 */
export function createSocket(url, options, auth) {
  return io(url, {
    ...TRANSPORTS,
    ...options,
    reconnection: false,
    forceNew: true,
    autoConnect: false,
    auth: (send) => send(auth()),
  });
}
