import { describe, expect } from 'vitest';
import { eventually } from '../../eventually.js';
import { it, SLOW } from './service.js';

describe('reconnecting', () => {
  it('comes back by itself after a lost connection', async ({
    server,
    service,
    connected,
    collect,
  }) => {
    const back = collect('reconnect');
    await connected();
    server.drop();
    await eventually(() => expect(back).toEqual([1]));
    expect(service.getState()).toMatchObject({ status: 'connected', attempt: 0, retryAt: null });
  });

  it('gives up after the attempts it was given, and says error', async ({
    server,
    service,
    connected,
    collect,
  }) => {
    const attempts = collect('reconnect_attempt');
    const failed = collect('reconnect_failed');
    await connected();
    await server.stop();
    await eventually(() => expect(failed).toHaveLength(1));
    expect(attempts).toEqual([1, 2, 3, 4, 5]);
    expect(service.getState()).toMatchObject({ status: 'error', phase: 'failed' });
  });

  it('says disconnected when the connection is lost and error when the next attempt fails', async ({
    server,
    service,
    connected,
  }) => {
    /** @type {string[]} */
    const statuses = [];
    service.onStateChange(() => {
      const { status } = service.getState();
      if (statuses.at(-1) !== status) statuses.push(status);
    });
    await connected();
    await server.stop();
    await eventually(() => expect(service.getState().phase).toBe('failed'));
    expect(statuses).toEqual(['disconnected', 'connected', 'disconnected', 'error']);
  });

  it('goes on after the last attempt where it was told to', async ({
    server,
    service,
    connected,
  }) => {
    await connected({ retryAfterFailureMs: 30 });
    await server.stop();
    await eventually(() => expect(service.getState().status).toBe('error'));
    await server.start();
    await eventually(() => expect(service.isConnected()).toBe(true));
  });

  it('can be told to try at once', async ({ server, service, connected }) => {
    await connected(SLOW);
    server.drop();
    await eventually(() => expect(service.getState().phase).toBe('waiting'));
    expect(service.getState().retryAt).toBeGreaterThan(Date.now() + 30_000);
    service.retryNow();
    await eventually(() => expect(service.isConnected()).toBe(true));
  });

  it('comes back when a server that shuts down said it would be there', async ({
    server,
    service,
    connected,
    collect,
  }) => {
    await connected(SLOW);
    server.emit('server_shutdown', { reconnect_after_ms: 20 });
    const told = collect('server_shutdown');
    await eventually(() => expect(told).toHaveLength(1));
    server.drop();
    await eventually(() => expect(server.tokens).toHaveLength(2));
    await eventually(() => expect(service.isConnected()).toBe(true));
  });

  it('stays where it is without reconnection', async ({ server, service, connected }) => {
    await connected({ reconnection: false });
    server.drop();
    await eventually(() => expect(service.getState().phase).toBe('failed'));
  });
});
