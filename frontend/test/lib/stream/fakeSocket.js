/** As much of a socket of socket.io as the connection's parts use, driven by the test. */
export class FakeSocket {
  constructor() {
    /** @type {Map<string, Function>} */
    this.listeners = new Map();
    /** @type {Function | null} */
    this.onEach = null;
    this.dropped = false;
    /** @type {{ event: string, payload: any, answer?: Function }[]} */
    this.sent = [];
    /** @type {{ resolve: () => void, reject: () => void }[]} Of heartbeats, oldest first. */
    this.unanswered = [];
  }

  /**
   * @param {string} event
   * @param {Function} callback
   */
  on(event, callback) {
    this.listeners.set(event, callback);
  }

  /** @param {Function} callback */
  onAny(callback) {
    this.onEach = callback;
  }

  connect() {}

  disconnect() {
    this.dropped = true;
  }

  removeAllListeners() {
    this.listeners.clear();
  }

  offAny() {
    this.onEach = null;
  }

  /**
   * @param {string} event
   * @param {any} payload
   */
  emit(event, payload) {
    this.sent.push({ event, payload });
  }

  timeout() {
    return {
      /**
       * @param {string} event
       * @param {any} payload
       * @param {(error: Error | null, answer?: any) => void} callback
       */
      emit: (event, payload, callback) =>
        this.sent.push({
          event,
          payload,
          answer: (/** @type {any} */ answer) => callback(null, answer),
        }),
      emitWithAck: () =>
        new Promise((resolve, reject) => {
          this.unanswered.push({ resolve: () => resolve({}), reject: () => reject(new Error()) });
        }),
    };
  }

  /** The socket opens. */
  open() {
    this.listeners.get('connect')?.();
  }

  /**
   * The server says something.
   * @param {string} event
   * @param {any} payload
   */
  receive(event, payload) {
    this.onEach?.(event, payload);
  }

  /** @param {string} status */
  receiveStatus(status) {
    this.receive('connection_status', { status, message: '', timestamp: '' });
  }
}
