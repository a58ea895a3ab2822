/**
 * A server that speaks the stream's protocol and fails on demand: what the real one can't be made
 * to do at a given instant. The end-to-end tests run against the real one.
 */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { Server } from 'socket.io';

/**
 * @typedef {object} Request
 * @property {string} event
 * @property {any} payload
 * @property {(event: string, payload: unknown) => void} say To the client alone.
 */

export class StreamServer {
  constructor() {
    /** @type {{ event: string, payload: any }[]} What clients sent, in order. */
    this.received = [];
    /** @type {string[]} The token of each connection. */
    this.tokens = [];
    /** Answers why a token is refused, or null. @type {(token: string) => string | null} */
    this.refuse = () => null;
    this.acceptSilently = false;
    /** Acknowledges a request, and may say something before. @type {(request: Request) => object} */
    this.answer = () => ({});
    this.port = 0;
  }

  async start() {
    this._http = createServer();
    this._io = new Server(this._http, { cors: { origin: '*' } });
    this._io.on('connection', (socket) => this._onConnection(socket));
    this._http.listen(this.port, '127.0.0.1');
    await once(this._http, 'listening');
    this.port = /** @type {import('node:net').AddressInfo} */ (this._http.address()).port;
    return this;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** @param {import('socket.io').Socket} socket */
  _onConnection(socket) {
    const { token } = socket.handshake.auth;
    this.tokens.push(token);
    socket.onAny((event, payload, acknowledge) => {
      if (event === 'heartbeat') {
        acknowledge({ ...payload, server_time: new Date().toISOString() });
        return;
      }
      this.received.push({ event, payload });
      acknowledge?.(this.answer({ event, payload, say: socket.emit.bind(socket) }));
    });
    const error = this.refuse(token);
    if (error) {
      socket.emit('auth_error', { error, timestamp: new Date().toISOString() });
      setTimeout(() => socket.disconnect(true), 50);
    } else if (!this.acceptSilently) {
      socket.emit('connection_status', {
        status: 'connected',
        message: 'Connected',
        timestamp: new Date().toISOString(),
        feed: 'simulated',
        user_id: 1,
      });
    }
  }

  /**
   * @param {string} event
   * @param {unknown} payload
   */
  emit(event, payload) {
    this._io?.emit(event, payload);
  }

  get connections() {
    return this._io?.engine.clientsCount ?? 0;
  }

  /** @param {string} event */
  payloads(event) {
    return this.received.filter((each) => each.event === event).map(({ payload }) => payload);
  }

  /** Drop every connection, as a network does. */
  drop() {
    this._io?.disconnectSockets(true);
  }

  async stop() {
    await this._io?.close();
  }
}
