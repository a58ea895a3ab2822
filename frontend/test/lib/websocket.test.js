import { describe, expect, vi } from 'vitest';
import { eventually } from '../eventually.js';
import { FAST, it, SLOW } from './stream/service.js';

describe('connecting', () => {
  it('counts as connected once the server has accepted, not when the socket opens', async ({
    server,
    service,
    collect,
  }) => {
    server.acceptSilently = true;
    const opened = collect('connect');
    service.connect(server.url, FAST);
    await eventually(() => expect(opened).toHaveLength(1));
    expect(service.isConnected()).toBe(false);
    server.emit('connection_status', { status: 'connected', message: '', timestamp: '' });
    await eventually(() => expect(service.isConnected()).toBe(true));
    expect(service.getState().status).toBe('connected');
  });

  it('sends the token of its options', async ({ server, connected }) => {
    await connected({ auth: { token: 'mine' } });
    expect(server.tokens).toEqual(['mine']);
  });

  it('opens one connection however often it is asked to', async ({
    server,
    service,
    connected,
  }) => {
    service.connect(server.url, FAST);
    await connected();
    service.connect(server.url, FAST);
    expect(server.connections).toBe(1);
  });

  it('knows the feed and the user of the connection', async ({ server, service, connected }) => {
    await connected();
    expect(service.getState()).toMatchObject({ feed: 'simulated', userId: 1 });
    server.emit('connection_status', { status: 'feed_degraded', message: '', timestamp: '' });
    await eventually(() => expect(service.getState().feedDegraded).toBe(true));
  });

  it('measures the round trip', async ({ service, connected }) => {
    await connected();
    await eventually(() => expect(service.getState().latencyMs).toBeGreaterThanOrEqual(0));
  });

  it('is disconnected after disconnect, and comes back when asked', async ({
    server,
    service,
    connected,
  }) => {
    await connected();
    service.disconnect();
    expect(service.isConnected()).toBe(false);
    expect(service.getState().status).toBe('disconnected');
    await eventually(() => expect(server.connections).toBe(0));
    await connected();
  });
});

describe('holding the connection', () => {
  it('closes it with the last who holds it', async ({ server, service }) => {
    const releases = [service.retain(server.url, FAST), service.retain(server.url, FAST)];
    await eventually(() => expect(service.isConnected()).toBe(true));
    releases[0]();
    releases[0]();
    await new Promise((resolve) => setTimeout(resolve));
    expect(service.isConnected()).toBe(true);
    releases[1]();
    await eventually(() => expect(server.connections).toBe(0));
    expect(service.getState()).toMatchObject({ status: 'disconnected', phase: 'idle' });
  });
});

describe('connecting once more', () => {
  it('stays with the server and the options of before where none are given', async ({
    server,
    service,
    connected,
  }) => {
    await connected({ auth: { token: 'mine' } });
    service.connect();
    service.connect(server.url);
    server.drop();
    await eventually(() => expect(service.getState().retryAt).not.toBeNull());
    // As FAST has it; the default would wait for a second.
    expect(Number(service.getState().retryAt) - Date.now()).toBeLessThan(500);
    await eventually(() => expect(server.tokens).toEqual(['mine', 'mine']));
  });

  it('by a component leaves open what a script has opened', async ({
    server,
    service,
    connected,
  }) => {
    await connected();
    service.retain(server.url)();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(service.isConnected()).toBe(true);
  });
});

describe('listening', () => {
  it('calls a listener added before the connection, until it is removed', async ({
    server,
    service,
    connected,
    collect,
  }) => {
    /** @type {unknown[]} */
    const heard = [];
    const remove = service.on('market_update', (data) => heard.push(data));
    await connected();
    server.emit('market_update', { BTC: { price: 1 } });
    await eventually(() => expect(heard).toEqual([{ BTC: { price: 1 } }]));
    remove();
    const marker = collect('sentiment_update');
    server.emit('market_update', { BTC: { price: 2 } });
    server.emit('sentiment_update', {});
    await eventually(() => expect(marker).toHaveLength(1));
    expect(heard).toHaveLength(1);
  });

  it('removes a listener by off', async ({ server, service, connected, collect }) => {
    const listener = vi.fn();
    service.on('market_update', listener);
    service.off('market_update', listener);
    await connected();
    const marker = collect('sentiment_update');
    server.emit('market_update', {});
    server.emit('sentiment_update', {});
    await eventually(() => expect(marker).toHaveLength(1));
    expect(listener).not.toHaveBeenCalled();
  });

  it('keeps listeners over a reconnection and drops them at disconnect', async ({
    server,
    service,
    connected,
    collect,
  }) => {
    const heard = collect('market_update');
    await connected();
    server.drop();
    await eventually(() => expect(server.tokens).toHaveLength(2));
    await eventually(() => expect(service.isConnected()).toBe(true));
    server.emit('market_update', {});
    await eventually(() => expect(heard).toHaveLength(1));
    service.disconnect();
    await connected();
    const marker = collect('sentiment_update');
    server.emit('market_update', {});
    server.emit('sentiment_update', {});
    await eventually(() => expect(marker).toHaveLength(1));
    expect(heard).toHaveLength(1);
  });

  it('calls the other listeners when one throws', async ({
    server,
    service,
    connected,
    collect,
  }) => {
    const reported = vi.spyOn(console, 'error').mockImplementation(() => {});
    service.on('market_update', () => {
      throw new Error('a bug');
    });
    const heard = collect('market_update');
    await connected();
    server.emit('market_update', {});
    await eventually(() => expect(heard).toHaveLength(1));
    expect(reported).toHaveBeenCalledOnce();
  });
});

describe('resuming', () => {
  const PLACE = { epoch: 'e', offset: 7 };
  const missed = { id: 'b', symbol: 'BTC', offset: 8 };

  /** Connects to a server that keeps places, and stands at one; what is subscribed is held. */
  const placed = it.extend(
    'placed',
    ({ server, service, connected, collect }) =>
      async (/** @type {string[]} */ symbols, options = {}) => {
        server.answer = ({ event, payload: { symbols, resume }, say }) => {
          const more = resume ? { offset: resume.offset, recovered: true } : { offset: 5 };
          if (event === 'subscribe')
            say('subscription_confirmed', { symbols, epoch: 'e', ...more });
          if (resume) for (const signal of [missed, missed]) say('trading_signal', signal);
          return {};
        };
        const signals = collect('trading_signal');
        service.subscribe(symbols);
        await connected(options);
        await eventually(() => expect(server.payloads('subscribe')).toHaveLength(1));
        server.emit('trading_signal', { id: 'a', symbol: 'BTC', offset: 7 });
        await eventually(() => expect(signals).toHaveLength(1));
        server.received.length = 0;
        return signals;
      },
  );

  placed(
    'asks for all that it holds from its place on, in one request',
    async ({ server, placed, collect }) => {
      const resumed = collect('resumed');
      const signals = await placed(['BTC', 'ETH']);
      server.drop();
      await eventually(() => expect(resumed).toEqual([{ recovered: true }]));
      expect(server.payloads('subscribe')).toEqual([
        { symbols: ['BTC', 'ETH'], realtime: false, resume: PLACE },
      ]);
      expect(signals.map(({ id }) => id)).toEqual(['a', 'b']);
    },
  );

  placed(
    'begins anew with symbols that have come meanwhile',
    async ({ server, service, placed }) => {
      await placed(['BTC', 'ETH'], SLOW);
      server.drop();
      await eventually(() => expect(service.getState().phase).toBe('waiting'));
      service.unsubscribe(['ETH']);
      service.subscribe(['ADA', 'ETH']);
      service.retryNow();
      await eventually(() =>
        expect(server.payloads('subscribe')).toEqual([
          { symbols: ['BTC'], realtime: false, resume: PLACE },
          { symbols: ['ADA', 'ETH'], realtime: false },
        ]),
      );
    },
  );

  placed(
    'is for connections that were lost, not for those that were closed',
    async ({ server, service, placed, connected }) => {
      await placed(['BTC']);
      service.disconnect();
      await connected();
      await eventually(() =>
        expect(server.payloads('subscribe')).toEqual([{ symbols: ['BTC'], realtime: false }]),
      );
    },
  );
});
