import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ACCEPT_TIMEOUT_MS, Connection } from '@/lib/stream/connection.js';
import { FakeSocket } from './fakeSocket.js';

const URL = 'http://server';
const NOW = 1_700_000_000_000;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** @param {Partial<import('@/lib/stream/tokens.js').Tokens>} [tokens] */
function connectionWith(tokens = {}) {
  /** @type {FakeSocket[]} */
  const sockets = [];
  /** @type {object[]} Of each socket. */
  const options = [];
  const listener = {
    onEvent: vi.fn(),
    onStateChange: vi.fn(),
    onAccepted: vi.fn(),
    onDropped: vi.fn(),
  };
  const connection = new Connection({
    ...listener,
    createSocket: (_url, each) => {
      options.push(each);
      const socket = new FakeSocket();
      sockets.push(socket);
      return /** @type {any} */ (socket);
    },
    tokens: /** @type {any} */ ({
      current: null,
      give: () => false,
      settle() {},
      forget() {},
      ...tokens,
    }),
    random: () => 0,
    now: () => NOW,
  });
  return { connection, sockets, options, listener };
}

/** @param {Partial<import('@/lib/stream/tokens.js').Tokens>} [tokens] */
function accepted(tokens) {
  const parts = connectionWith(tokens);
  parts.connection.connect(URL, {});
  parts.sockets[0].open();
  parts.sockets[0].receiveStatus('connected');
  return parts;
}

/** A token that comes when the test says so. */
function tokenLater() {
  /** @type {(token: string) => void} */
  let arrive = () => {};
  /** @type {Promise<string>} */
  const token = new Promise((resolve) => {
    arrive = resolve;
  });
  return { token, arrive };
}

describe('a connection', () => {
  it('gives up an open socket on which the server says nothing of acceptance', () => {
    const { connection, sockets } = connectionWith();
    connection.connect(URL, {});
    sockets[0].open();
    vi.advanceTimersByTime(ACCEPT_TIMEOUT_MS - 1);
    expect(connection.state.phase).toBe('connecting');
    vi.advanceTimersByTime(1);
    expect(connection.state).toMatchObject({
      status: 'error',
      phase: 'waiting',
      error: 'The server did not answer',
    });
    expect(sockets[0].dropped).toBe(true);
  });

  it('does not give up one that was accepted', () => {
    const { connection } = accepted();
    vi.advanceTimersByTime(2 * ACCEPT_TIMEOUT_MS);
    expect(connection.accepted).toBe(true);
  });

  it('says when it tries again, and does so then', () => {
    const { connection, sockets } = accepted();
    connection.lost('disconnected', null);
    expect(connection.state).toMatchObject({ phase: 'waiting', attempt: 1, retryAt: NOW + 1000 });
    vi.advanceTimersByTime(999);
    expect(sockets).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets).toHaveLength(2);
  });

  it('waits as long as a server that shuts down has asked for, once', () => {
    const { connection, sockets } = accepted();
    sockets[0].receive('server_shutdown', { reconnect_after_ms: 2345 });
    connection.lost('disconnected', null);
    expect(connection.state.retryAt).toBe(NOW + 2345);
    vi.advanceTimersByTime(2345);
    expect(sockets).toHaveLength(2);
    connection.lost('error', null);
    // The second attempt's own.
    expect(connection.state.retryAt).toBe(NOW + 1000);
  });

  it('says since when there is none to be had, until it is accepted', () => {
    const { connection, sockets } = accepted();
    expect(connection.state.offlineSince).toBeNull();
    connection.lost('disconnected', null);
    expect(connection.state.offlineSince).toBe(NOW);
    vi.runOnlyPendingTimers();
    expect(connection.state).toMatchObject({ phase: 'connecting', offlineSince: NOW });
    sockets[1].open();
    sockets[1].receiveStatus('connected');
    expect(connection.state.offlineSince).toBeNull();
  });

  it('is connected by its status exactly when it is accepted, at every change', async () => {
    const replace = () => Promise.resolve('new');
    const { connection, sockets, listener } = connectionWith({
      replaceable: (error) => error === 'Token expired',
      replace,
    });
    /** @type {string[]} */
    const phases = [];
    listener.onStateChange.mockImplementation(() => {
      const { phase, status } = connection.state;
      phases.push(phase);
      expect(status === 'connected').toBe(connection.accepted);
    });
    connection.connect(URL, {});
    sockets[0].open();
    sockets[0].receiveStatus('connected');
    sockets[0].receive('auth_error', { error: 'Token expired' });
    await vi.advanceTimersByTimeAsync(0);
    sockets[1].open();
    sockets[1].receiveStatus('connected');
    connection.lost('error', 'gone');
    expect(connection.state.status).toBe('error');
    vi.runOnlyPendingTimers();
    sockets[2].open();
    sockets[2].receiveStatus('connected');
    sockets[2].receive('auth_error', { error: 'Token revoked' });
    connection.close();
    expect(new Set(phases)).toEqual(
      new Set(['connecting', 'connected', 'renewing', 'waiting', 'failed', 'idle']),
    );
  });

  it('keeps the options that it was given, but for those that are given anew', () => {
    const { connection, options } = connectionWith();
    connection.connect(URL, { reconnectionDelay: 7, path: '/stream' });
    connection.connect(URL);
    connection.lost('disconnected', null);
    expect(connection.state.retryAt).toBe(NOW + 7);
    connection.connect(URL, { reconnectionDelay: 9 });
    expect(options.at(-1)).toMatchObject({ reconnectionDelay: 9, path: '/stream' });
    connection.forget();
    connection.connect(URL);
    expect(options.at(-1)).not.toHaveProperty('path');
  });

  it('leaves one server for another', () => {
    const { connection, sockets, listener } = accepted();
    connection.connect('http://elsewhere', {});
    expect(sockets.map(({ dropped }) => dropped)).toEqual([true, false]);
    expect(connection.state).toMatchObject({ status: 'disconnected', phase: 'connecting' });
    expect(listener.onDropped).toHaveBeenCalled();
  });

  it('hands another token to the server in place', () => {
    const { connection, sockets } = accepted({ give: (token) => token !== null });
    connection.connect(URL, { auth: { token: 'other' } });
    expect(sockets).toHaveLength(1);
    expect(sockets[0].sent).toEqual([{ event: 'authenticate', payload: { token: 'other' } }]);
  });

  it('hands no renewed token to a socket that came after the one it was asked for', async () => {
    const { token, arrive } = tokenLater();
    const renewAhead = () => token;
    const { connection, sockets } = accepted({ renewAhead });
    sockets[0].receiveStatus('token_expiring');
    connection.connect('http://elsewhere', {});
    arrive('new');
    await vi.advanceTimersByTimeAsync(0);
    expect(sockets.flatMap(({ sent }) => sent)).toEqual([]);
  });

  it('stays closed when it was closed while a token was fetched', async () => {
    const { token, arrive } = tokenLater();
    const replace = () => token;
    const { connection, sockets } = accepted({ replaceable: () => true, replace });
    sockets[0].receive('auth_error', { error: 'Token expired' });
    expect(connection.state.phase).toBe('renewing');
    connection.close();
    arrive('new');
    await vi.advanceTimersByTimeAsync(0);
    expect(sockets).toHaveLength(1);
    expect(connection.state.phase).toBe('idle');
  });

  it('starts nothing on a socket that a listener closed as it heard of it', () => {
    const { connection, sockets, listener } = accepted();
    connection.lost('disconnected', null);
    vi.runOnlyPendingTimers();
    listener.onAccepted.mockClear();
    listener.onEvent.mockImplementation((event) => event === 'reconnect' && connection.close());
    sockets[1].open();
    sockets[1].receiveStatus('connected');
    expect(listener.onEvent).toHaveBeenCalledWith('reconnect', 1);
    expect(listener.onAccepted).not.toHaveBeenCalled();
  });
});
