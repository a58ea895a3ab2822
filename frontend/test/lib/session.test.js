// @vitest-environment jsdom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createSession } from '@/lib/session.js';

const USER = { id: 1, username: 'ada' };

/** @type {ReturnType<typeof createSession>[]} */
let tabs;
/** @type {Record<string, () => Response | Promise<Response>>} */
let answers;
/** @type {string[]} */
let asked;

/**
 * @param {unknown} body
 * @param {number} [status]
 */
const json = (body, status = 200) => new Response(JSON.stringify(body), { status });

let issued = 0;
const grant = () => {
  issued += 1;
  return json({ access_token: `token ${issued}`, expires_in: 3600, user: USER });
};

beforeEach(() => {
  localStorage.clear();
  tabs = [];
  asked = [];
  issued = 0;
  answers = {
    '/api/auth/login': grant,
    '/api/auth/refresh': grant,
    '/api/auth/logout': () => json({ status: 'logged_out' }),
    '/api/auth/register': () => json(USER, 201),
  };
  vi.stubGlobal('fetch', async (/** @type {string} */ path) => {
    asked.push(path);
    return answers[path]();
  });
});

afterEach(() => {
  for (const tab of tabs) tab.close();
  vi.unstubAllGlobals();
});

function openTab() {
  const tab = createSession(localStorage);
  tabs.push(tab);
  return tab;
}

/** @param {() => void} assertion */
const eventually = (assertion) => vi.waitFor(assertion, { timeout: 30_000, interval: 5 });

describe('session', () => {
  it('asks nothing of the server on a first visit', async () => {
    const tab = openTab();
    await tab.restore();
    expect(tab.getState().status).toBe('signed-out');
    expect(asked).toEqual([]);
  });

  it('is restored after a reload, with no token in storage', async () => {
    await openTab().signIn('ada', 'a password');
    const reloaded = openTab();
    await reloaded.restore();
    expect(reloaded.getState()).toMatchObject({ status: 'signed-in', user: USER });
    expect(JSON.stringify({ ...localStorage })).not.toContain('token');
  });

  it('refreshes through one request, however many ask', async () => {
    const tab = openTab();
    await tab.signIn('ada', 'a password');
    asked.length = 0;
    const tokens = await Promise.all([tab.refresh(), tab.refresh(), tab.refresh()]);
    expect(asked).toEqual(['/api/auth/refresh']);
    expect(new Set(tokens).size).toBe(1);
  });

  it('passes a fresh token on to the other tabs', async () => {
    const [one, other] = [openTab(), openTab()];
    await one.signIn('ada', 'a password');
    await eventually(() => expect(other.token()).toBe('token 1'));
    await one.refresh();
    await eventually(() => expect(other.token()).toBe('token 2'));
  });

  it('ends, in all tabs, when the refresh token is refused', async () => {
    const [one, other] = [openTab(), openTab()];
    await one.signIn('ada', 'a password');
    await eventually(() => expect(other.getState().status).toBe('signed-in'));
    answers['/api/auth/refresh'] = () => json({ error: { code: 'token_expired' } }, 401);
    expect(await one.refresh()).toBeNull();
    expect(one.getState()).toMatchObject({ status: 'signed-out', ended: true });
    await eventually(() => expect(other.getState().status).toBe('signed-out'));
  });

  it('stays open while the server is out of reach', async () => {
    const tab = openTab();
    await tab.signIn('ada', 'a password');
    answers['/api/auth/refresh'] = () => Promise.reject(new TypeError('Failed to fetch'));
    await expect(tab.refresh()).rejects.toMatchObject({ status: 0, code: 'unreachable' });
    expect(tab.getState().status).toBe('signed-in');
  });

  it('signs out here even when the server is out of reach', async () => {
    const tab = openTab();
    await tab.signIn('ada', 'a password');
    answers['/api/auth/logout'] = () => Promise.reject(new TypeError('Failed to fetch'));
    await expect(tab.signOut()).rejects.toThrow();
    expect(tab.getState()).toMatchObject({ status: 'signed-out', accessToken: null });
  });

  it('waits for the answer to a refresh that a page began before it went away', async () => {
    vi.useFakeTimers({ now: 1_000_000 });
    try {
      localStorage.setItem('crs.session', '1');
      localStorage.setItem('crs.session.refreshing', String(1_000_000 - 500));
      const tab = openTab();
      const restored = tab.restore();
      await vi.advanceTimersByTimeAsync(1400);
      expect(asked).toEqual([]);
      await vi.advanceTimersByTimeAsync(200);
      await restored;
      expect(asked).toEqual(['/api/auth/refresh']);
      expect(tab.getState().status).toBe('signed-in');
      expect(localStorage.getItem('crs.session.refreshing')).toBeNull();
    } finally {
      vi.useRealTimers();
    }
  });

  it('reports what the server says of each field', async () => {
    answers['/api/auth/register'] = () =>
      json(
        { error: { code: 'validation_failed', message: 'no', fields: { password: 'short' } } },
        400,
      );
    await expect(openTab().signUp('ada', 'x')).rejects.toMatchObject({
      status: 400,
      code: 'validation_failed',
      fields: { password: 'short' },
    });
  });
});
