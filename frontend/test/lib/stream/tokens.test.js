import { describe, expect, vi } from 'vitest';
import { RENEW_EVERY_MS, REPLACEMENTS_MAX, Tokens } from '@/lib/stream/tokens.js';
import { eventually } from '../../eventually.js';
import { FAST, it } from './service.js';

/** @param {(string | null | Error)[]} answers Of its refreshes, in turn; then the session is over. */
function sourceOf(...answers) {
  let current = 'old';
  const refresh = vi.fn(async () => {
    const answer = answers.shift() ?? null;
    if (answer instanceof Error) throw answer;
    if (answer !== null) current = answer;
    return answer;
  });
  return { token: () => current, refresh };
}

describe('tokens', () => {
  it('are the one that was given, or else the source’s', () => {
    const tokens = new Tokens();
    expect(tokens.current).toBeNull();
    tokens.setSource(sourceOf());
    expect(tokens.current).toBe('old');
    expect(tokens.give('mine')).toBe(true);
    expect(tokens.give('mine')).toBe(false);
    expect(tokens.give(null)).toBe(false);
    expect(tokens.current).toBe('mine');
    tokens.forget();
    expect(tokens.current).toBe('old');
  });

  it('are refreshed by one request, however many ask for it', async () => {
    const tokens = new Tokens();
    const source = sourceOf('new', 'newer');
    tokens.setSource(source);
    expect(await Promise.all([tokens.renewAhead(), tokens.replace()])).toEqual(['new', 'new']);
    expect(source.refresh).toHaveBeenCalledOnce();
    expect(await tokens.replace()).toBe('newer');
  });

  it('put a fresh one in the place of the one that was given', async () => {
    const tokens = new Tokens();
    tokens.setSource(sourceOf('new'));
    tokens.give('mine');
    await tokens.replace();
    expect(tokens.current).toBe('new');
  });

  it('are renewed ahead of their expiry only now and then', async () => {
    let now = 0;
    const tokens = new Tokens({ now: () => now });
    tokens.setSource(sourceOf('a', 'b'));
    expect(await tokens.renewAhead()).toBe('a');
    now = RENEW_EVERY_MS - 1;
    expect(await tokens.renewAhead()).toBeNull();
    now = RENEW_EVERY_MS;
    expect(await tokens.renewAhead()).toBe('b');
  });

  it('stay when they can’t be renewed ahead', async () => {
    const warned = vi.spyOn(console, 'warn').mockImplementation(() => {});
    const tokens = new Tokens();
    tokens.setSource(sourceOf(new Error('unreachable')));
    expect(await tokens.renewAhead()).toBeNull();
    expect(tokens.current).toBe('old');
    expect(warned).toHaveBeenCalledOnce();
  });

  it('are replaced when expired, so many times until the server takes one', async () => {
    const tokens = new Tokens();
    expect(tokens.replaceable('Invalid token')).toBe(false);
    for (let time = 0; time < REPLACEMENTS_MAX; time += 1) {
      expect(tokens.replaceable('Token expired')).toBe(true);
      await tokens.replace();
    }
    expect(tokens.replaceable('Token expired')).toBe(false);
    tokens.settle();
    expect(tokens.replaceable('Token expired')).toBe(true);
  });
});

describe('the tokens of a connection', () => {
  it('refreshes an expired token and connects with the new one', async ({
    server,
    service,
    connected,
  }) => {
    server.refuse = (token) => (token === 'old' ? 'Token expired' : null);
    const source = sourceOf('new');
    service.setTokenSource(source);
    await connected();
    expect(source.refresh).toHaveBeenCalledOnce();
    expect(server.tokens).toEqual(['old', 'new']);
  });

  it('resumes with its subscriptions when the token expires while live', async ({
    server,
    service,
    connected,
  }) => {
    const source = sourceOf('new');
    service.setTokenSource(source);
    service.subscribe(['BTC']);
    await connected();
    server.emit('auth_error', { error: 'Token expired' });
    await eventually(() => expect(server.tokens).toEqual(['old', 'new']));
    await eventually(() => expect(server.payloads('subscribe')).toHaveLength(2));
    expect(source.refresh).toHaveBeenCalledOnce();
  });

  it('hands a fresh token to the live connection ahead of the expiry', async ({
    server,
    service,
    connected,
  }) => {
    const source = sourceOf('new');
    service.setTokenSource(source);
    await connected();
    const expiring = { status: 'token_expiring', message: '', timestamp: '' };
    server.emit('connection_status', expiring);
    server.emit('connection_status', expiring);
    await eventually(() => expect(server.payloads('authenticate')).toEqual([{ token: 'new' }]));
    expect(source.refresh).toHaveBeenCalledOnce();
    expect(service.isConnected()).toBe(true);
  });

  it('stops when the session is over', async ({ server, service }) => {
    server.refuse = () => 'Token expired';
    service.setTokenSource(sourceOf(null));
    service.connect(server.url, FAST);
    await eventually(() => expect(service.getState().phase).toBe('failed'));
    expect(service.getState()).toMatchObject({ status: 'error', error: 'Token expired' });
    expect(server.tokens).toHaveLength(1);
  });

  it('tries again later when the server could not be asked for a token', async ({
    server,
    service,
    connected,
  }) => {
    server.refuse = (token) => (token === 'old' ? 'Token expired' : null);
    service.setTokenSource(sourceOf(new Error('unreachable'), 'new'));
    await connected();
    expect(server.tokens).toEqual(['old', 'old', 'new']);
  });

  it('does not refresh without end when fresh tokens are refused as expired', async ({
    server,
    service,
  }) => {
    server.refuse = () => 'Token expired';
    const source = sourceOf('a', 'b', 'c', 'd', 'e');
    service.setTokenSource(source);
    service.connect(server.url, FAST);
    await eventually(() => expect(service.getState().phase).toBe('failed'));
    expect(source.refresh).toHaveBeenCalledTimes(2);
  });

  it('stops at any other refusal, without asking for a token', async ({
    server,
    service,
    collect,
  }) => {
    server.refuse = () => 'Invalid token';
    const source = sourceOf('new');
    service.setTokenSource(source);
    const errors = collect('auth_error');
    service.connect(server.url, FAST);
    await eventually(() => expect(service.getState().phase).toBe('failed'));
    expect(errors).toMatchObject([{ error: 'Invalid token' }]);
    expect(source.refresh).not.toHaveBeenCalled();
  });
});
