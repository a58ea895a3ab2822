// @vitest-environment node
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocketService } from '@/lib/websocket.js';
import { StreamServer } from '../streamServer.js';

/** Reconnects at once, so that no test waits. */
const FAST = { reconnectionDelay: 5, reconnectionDelayMax: 20 };

/** @type {StreamServer} */
let server;
/** @type {WebSocketService} */
let service;

beforeEach(async () => {
  server = await new StreamServer().start();
  service = new WebSocketService();
});

afterEach(async () => {
  service.disconnect();
  await server.stop();
});

/** @param {() => void} assertion */
const eventually = (assertion) => vi.waitFor(assertion, { timeout: 5000, interval: 5 });

/** @param {import('@/lib/websocket.js').ConnectOptions} [options] */
async function connected(options = {}) {
  service.connect(server.url, { ...FAST, ...options });
  await eventually(() => expect(service.isConnected()).toBe(true));
}

/** @param {string} event */
function collect(event) {
  /** @type {any[]} */
  const payloads = [];
  service.on(event, (payload) => payloads.push(payload));
  return payloads;
}

describe('connecting', () => {
  it('counts as connected once the server has accepted, not when the socket opens', async () => {
    server.acceptSilently = true;
    const opened = collect('connect');
    service.connect(server.url, FAST);
    await eventually(() => expect(opened).toHaveLength(1));
    expect(service.isConnected()).toBe(false);
    server.emit('connection_status', { status: 'connected', message: '', timestamp: '' });
    await eventually(() => expect(service.isConnected()).toBe(true));
    expect(service.getState().status).toBe('connected');
  });

  it('sends the token of its options', async () => {
    await connected({ auth: { token: 'mine' } });
    expect(server.tokens).toEqual(['mine']);
  });

  it('opens one connection however often it is asked to', async () => {
    service.connect(server.url, FAST);
    await connected();
    service.connect(server.url, FAST);
    expect(server.connections).toBe(1);
  });

  it('knows the feed and the user of the connection', async () => {
    await connected();
    expect(service.getState()).toMatchObject({ feed: 'simulated', userId: 1 });
    server.emit('connection_status', { status: 'feed_degraded', message: '', timestamp: '' });
    await eventually(() => expect(service.getState().feedDegraded).toBe(true));
  });

  it('measures the round trip', async () => {
    await connected();
    await eventually(() => expect(service.getState().latencyMs).toBeGreaterThanOrEqual(0));
  });

  it('is disconnected after disconnect, and comes back when asked', async () => {
    await connected();
    service.disconnect();
    expect(service.isConnected()).toBe(false);
    expect(service.getState().status).toBe('disconnected');
    await eventually(() => expect(server.connections).toBe(0));
    await connected();
  });
});

describe('listening', () => {
  it('calls a listener added before the connection, until it is removed', async () => {
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

  it('removes a listener by off', async () => {
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

  it('keeps listeners over a reconnection and drops them at disconnect', async () => {
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

  it('calls the other listeners when one throws', async () => {
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

describe('subscribing', () => {
  it('asks for symbols as soon as the connection stands', async () => {
    service.subscribe(['BTC', 'ETH']);
    await connected();
    await eventually(() =>
      expect(server.payloads('subscribe')).toEqual([{ symbols: ['BTC', 'ETH'], realtime: false }]),
    );
  });

  it('asks only for what nobody has asked for, and lets go with the last who wants it', async () => {
    await connected();
    service.subscribe(['BTC', 'ETH']);
    service.subscribe(['ETH', 'ADA']);
    service.unsubscribe(['BTC', 'ETH']);
    service.unsubscribe(['ETH', 'ADA']);
    await eventually(() =>
      expect(server.received).toEqual([
        { event: 'subscribe', payload: { symbols: ['BTC', 'ETH'], realtime: false } },
        { event: 'subscribe', payload: { symbols: ['ADA'], realtime: false } },
        { event: 'unsubscribe', payload: { symbols: ['BTC'] } },
        { event: 'unsubscribe', payload: { symbols: ['ETH', 'ADA'] } },
      ]),
    );
  });

  it('restores what is held after a reconnection', async () => {
    await connected();
    service.subscribe(['BTC', 'ETH']);
    service.unsubscribe(['ETH']);
    await eventually(() => expect(server.received).toHaveLength(2));
    server.received.length = 0;
    server.drop();
    await eventually(() =>
      expect(server.payloads('subscribe')).toEqual([{ symbols: ['BTC'], realtime: false }]),
    );
  });

  it('is in real time as long as one holder wants it', async () => {
    await connected();
    service.subscribe(['BTC']);
    service.subscribe(['BTC'], { realtime: true });
    service.unsubscribe(['BTC'], { realtime: true });
    await eventually(() =>
      expect(server.payloads('subscribe')).toEqual([
        { symbols: ['BTC'], realtime: false },
        { symbols: [], realtime: true },
        { symbols: [], realtime: false },
      ]),
    );
  });

  it('splits what is too much for one request', async () => {
    const symbols = Array.from({ length: 250 }, (_, index) => `S${index}`);
    service.subscribe(symbols);
    await connected();
    await eventually(() =>
      expect(server.payloads('subscribe').map((each) => each.symbols.length)).toEqual([
        100, 100, 50,
      ]),
    );
    expect(server.payloads('subscribe').flatMap((each) => each.symbols)).toEqual(symbols);
  });
});

describe('reconnecting', () => {
  it('comes back by itself after a lost connection', async () => {
    const back = collect('reconnect');
    await connected();
    server.drop();
    await eventually(() => expect(back).toEqual([1]));
    expect(service.getState()).toMatchObject({ status: 'connected', attempt: 0, retryAt: null });
  });

  it('gives up after the attempts it was given, and says error', async () => {
    const attempts = collect('reconnect_attempt');
    const failed = collect('reconnect_failed');
    await connected();
    await server.stop();
    await eventually(() => expect(failed).toHaveLength(1));
    expect(attempts).toEqual([1, 2, 3, 4, 5]);
    expect(service.getState()).toMatchObject({ status: 'error', phase: 'failed' });
  });

  it('says disconnected when the connection is lost and error when the next attempt fails', async () => {
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

  it('goes on after the last attempt where it was told to', async () => {
    await connected({ retryAfterFailureMs: 30 });
    await server.stop();
    await eventually(() => expect(service.getState().status).toBe('error'));
    await server.start();
    await eventually(() => expect(service.isConnected()).toBe(true));
  });

  it('can be told to try at once', async () => {
    await connected({ reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 });
    server.drop();
    await eventually(() => expect(service.getState().phase).toBe('waiting'));
    expect(service.getState().retryAt).toBeGreaterThan(Date.now() + 30_000);
    service.retryNow();
    await eventually(() => expect(service.isConnected()).toBe(true));
  });

  it('comes back when a server that shuts down said it would be there', async () => {
    await connected({ reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 });
    server.emit('server_shutdown', { reconnect_after_ms: 20 });
    const told = collect('server_shutdown');
    await eventually(() => expect(told).toHaveLength(1));
    server.drop();
    await eventually(() => expect(server.tokens).toHaveLength(2));
    await eventually(() => expect(service.isConnected()).toBe(true));
  });

  it('stays where it is without reconnection', async () => {
    await connected({ reconnection: false });
    server.drop();
    await eventually(() => expect(service.getState().phase).toBe('failed'));
  });
});

describe('tokens', () => {
  /** @param {(string | null | Error)[]} answers */
  function source(...answers) {
    let current = 'old';
    const refresh = vi.fn(async () => {
      const answer = answers.shift() ?? null;
      if (answer instanceof Error) throw answer;
      if (answer !== null) current = answer;
      return answer;
    });
    service.setTokenSource({ token: () => current, refresh });
    return refresh;
  }

  it('refreshes an expired token and connects with the new one', async () => {
    server.refuse = (token) => (token === 'old' ? 'Token expired' : null);
    const refresh = source('new');
    await connected();
    expect(refresh).toHaveBeenCalledOnce();
    expect(server.tokens).toEqual(['old', 'new']);
  });

  it('resumes with its subscriptions when the token expires while live', async () => {
    const refresh = source('new');
    service.subscribe(['BTC']);
    await connected();
    server.emit('auth_error', { error: 'Token expired' });
    await eventually(() => expect(server.tokens).toEqual(['old', 'new']));
    await eventually(() => expect(server.payloads('subscribe')).toHaveLength(2));
    expect(refresh).toHaveBeenCalledOnce();
  });

  it('hands a fresh token to the live connection ahead of the expiry', async () => {
    const refresh = source('new');
    await connected();
    const expiring = { status: 'token_expiring', message: '', timestamp: '' };
    server.emit('connection_status', expiring);
    server.emit('connection_status', expiring);
    await eventually(() => expect(server.payloads('authenticate')).toEqual([{ token: 'new' }]));
    expect(refresh).toHaveBeenCalledOnce();
    expect(service.isConnected()).toBe(true);
  });

  it('stops when the session is over', async () => {
    server.refuse = () => 'Token expired';
    source(null);
    service.connect(server.url, FAST);
    await eventually(() => expect(service.getState().phase).toBe('failed'));
    expect(service.getState()).toMatchObject({ status: 'error', error: 'Token expired' });
    expect(server.tokens).toHaveLength(1);
  });

  it('tries again later when the server could not be asked for a token', async () => {
    server.refuse = (token) => (token === 'old' ? 'Token expired' : null);
    source(new Error('unreachable'), 'new');
    await connected();
    expect(server.tokens).toEqual(['old', 'old', 'new']);
  });

  it('does not refresh without end when fresh tokens are refused as expired', async () => {
    server.refuse = () => 'Token expired';
    const refresh = source('a', 'b', 'c', 'd', 'e');
    service.connect(server.url, FAST);
    await eventually(() => expect(service.getState().phase).toBe('failed'));
    expect(refresh).toHaveBeenCalledTimes(2);
  });

  it('stops at any other refusal, without asking for a token', async () => {
    server.refuse = () => 'Invalid token';
    const refresh = source('new');
    const errors = collect('auth_error');
    service.connect(server.url, FAST);
    await eventually(() => expect(service.getState().phase).toBe('failed'));
    expect(errors).toMatchObject([{ error: 'Invalid token' }]);
    expect(refresh).not.toHaveBeenCalled();
  });
});
