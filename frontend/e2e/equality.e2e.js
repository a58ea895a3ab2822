// @vitest-environment jsdom
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { renderHook } from '@testing-library/react';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { useWebSocket } from '@/hooks/useWebSocket.js';
import { logIn, PASSWORD, register } from './browser.js';
import { SMALL_MARKET, PYTHON, ROOT, Server } from './server.js';

const SYMBOLS = ['BTC', 'ETH', 'ADA'];
const SECONDS = 12;

/** @type {Server} */
let server;

beforeAll(async () => {
  server = await new Server({
    ...SMALL_MARKET,
    SENTIMENT_INTERVAL: '4',
    SIGNAL_INTERVAL: '3',
  }).start();
  await register(server.url, 'ada');
  /** @type {any} */ (globalThis).jsdom.reconfigure({ url: server.url });
});

afterAll(() => server?.stop());

/** @param {any[]} items */
const distinct = (items) => new Map(items.map((item) => [JSON.stringify(item), item]));

it('gives a component, field by field, what a Python client received at the same time', async () => {
  const token = await logIn(server.url, 'ada');
  /** @type {any[]} */
  const rendered = [];
  const { unmount } = renderHook(() => {
    const value = useWebSocket({ symbols: SYMBOLS, token });
    rendered.push(value);
    return value;
  });
  const { stdout } = await promisify(execFile)(PYTHON, [
    join(ROOT, 'frontend/e2e/record.py'),
    server.url,
    'ada',
    PASSWORD,
    String(SECONDS),
    ...SYMBOLS,
  ]);
  unmount();

  const python = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  /** @param {string} name */
  const received = (name) => python.filter(([event]) => event === name).map(([, data]) => data);

  // The page runs for longer than the Python client, so it must have all that one received. The
  // first market_update of either is the snapshot of its own moment.
  const quotes = distinct(rendered.flatMap(({ marketData }) => Object.values(marketData)));
  const ticks = received('market_update').slice(1);
  expect(ticks.length).toBeGreaterThanOrEqual(SECONDS / 2 - 3);
  for (const quote of ticks.flatMap((tick) => Object.values(tick))) {
    expect([...quotes.values()]).toContainEqual(quote);
  }

  const sentiments = distinct(rendered.map(({ sentimentData }) => sentimentData));
  expect(received('sentiment_update').length).toBeGreaterThan(0);
  for (const sentiment of received('sentiment_update')) {
    expect([...sentiments.values()]).toContainEqual(sentiment);
  }

  const signals = distinct(rendered.flatMap(({ tradingSignals }) => tradingSignals));
  expect(received('trading_signal').length).toBeGreaterThan(0);
  for (const signal of received('trading_signal')) {
    expect([...signals.values()]).toContainEqual(signal);
  }
});
