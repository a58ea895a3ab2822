/** A cable between the browser and a server, which a test can pull and plug in again. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

export class Cable {
  /** @param {number} port The server's. */
  constructor(port) {
    /** @type {Set<import('node:net').Socket>} */
    this._sockets = new Set();
    this._pulled = false;
    this._listener = createServer((near) => {
      if (this._pulled) return near.destroy();
      const far = connect(port, '127.0.0.1');
      for (const [one, other] of [
        [near, far],
        [far, near],
      ]) {
        this._sockets.add(one);
        one.pipe(other);
        one.on('error', () => {});
        one.on('close', () => {
          this._sockets.delete(one);
          other.destroy();
        });
      }
    });
  }

  async start() {
    this._listener.listen(0, '127.0.0.1');
    await once(this._listener, 'listening');
    return this;
  }

  get url() {
    const { port } = /** @type {import('node:net').AddressInfo} */ (this._listener.address());
    return `http://127.0.0.1:${port}`;
  }

  pull() {
    this._pulled = true;
    for (const socket of this._sockets) socket.destroy();
  }

  /** Carry nothing more on what is connected, and close none of it, as where a laptop slept. */
  fallSilent() {
    for (const socket of this._sockets) socket.unpipe().pause();
  }

  plugIn() {
    this._pulled = false;
  }

  async stop() {
    this.pull();
    this._listener.close();
    await once(this._listener, 'close');
  }
}
