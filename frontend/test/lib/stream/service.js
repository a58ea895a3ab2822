/** The public face against a server of its own, made anew for each test that names them. */
import { expect, test } from 'vitest';
import { WebSocketService } from '@/lib/websocket.js';
import { eventually } from '../../eventually.js';
import { StreamServer } from '../../streamServer.js';

/** Reconnects at once, so that no test waits. */
export const FAST = { reconnectionDelay: 5, reconnectionDelayMax: 20 };

/** Reconnects not before the test is over. */
export const SLOW = { reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 };

/**
 * `connected` connects, and waits until the server has accepted; `collect` gathers the payloads of
 * an event from now on.
 */
export const it = test
  .extend('server', async ({}, { onCleanup }) => {
    const server = await new StreamServer().start();
    onCleanup(() => server.stop());
    return server;
  })
  .extend('service', ({}, { onCleanup }) => {
    const service = new WebSocketService();
    onCleanup(() => service.disconnect());
    return service;
  })
  .extend(
    'connected',
    ({ server, service }) =>
      async (/** @type {import('@/lib/websocket.js').ConnectOptions} */ options = {}) => {
        service.connect(server.url, { ...FAST, ...options });
        await eventually(() => expect(service.isConnected()).toBe(true));
      },
  )
  .extend('collect', ({ service }) => (/** @type {string} */ event) => {
    /** @type {any[]} */
    const payloads = [];
    service.on(event, (payload) => payloads.push(payload));
    return payloads;
  });
