import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SymbolRequests } from '@/lib/stream/requests.js';
import { Subscriptions } from '@/lib/stream/subscriptions.js';
import { FakeSocket } from './fakeSocket.js';

const PLACE = { epoch: 'e', offset: 7 };
const tooSoon = { error: { code: 'rate_limited', retry_after_ms: 400 } };

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** @param {string[]} held */
function requestsFor(held) {
  const subscriptions = new Subscriptions();
  subscriptions.hold(held);
  const onSettled = vi.fn();
  const requests = new SymbolRequests({ subscriptions, onSettled });
  const socket = new FakeSocket();
  requests.start(/** @type {any} */ (socket));
  return {
    subscriptions,
    onSettled,
    requests,
    socket,
    payloads: () => socket.sent.map(({ payload }) => payload),
    answer: (/** @type {any} */ answer) => socket.sent.at(-1)?.answer?.(answer),
  };
}

it('subscribes to all that it can in one request, and says from where on', () => {
  const symbols = Array.from({ length: 101 }, (_, index) => `S${index}`);
  const { requests, payloads } = requestsFor(symbols);
  requests.subscribe(symbols, PLACE);
  expect(payloads()).toEqual([
    { symbols: symbols.slice(0, 100), realtime: false, resume: PLACE },
    { symbols: ['S100'], realtime: false, resume: PLACE },
  ]);
});

it('is settled when all is answered, whatever the answers are', () => {
  const { requests, socket, onSettled } = requestsFor(['BTC']);
  requests.subscribe(['BTC']);
  requests.unsubscribe(['ETH']);
  socket.sent[1].answer?.({ error: { code: 'internal_error' } });
  expect(requests.settled).toBe(false);
  expect(onSettled).not.toHaveBeenCalled();
  socket.sent[0].answer?.({ symbols: ['BTC'] });
  expect(requests.settled).toBe(true);
  expect(onSettled).toHaveBeenCalledOnce();
});

it('asks again when the server says that it may, for what is still wanted then', () => {
  const { requests, subscriptions, payloads, answer, onSettled } = requestsFor(['BTC', 'ETH']);
  requests.subscribe(['BTC', 'ETH'], PLACE);
  answer(tooSoon);
  subscriptions.release(['ETH']);
  vi.advanceTimersByTime(399);
  expect(payloads()).toHaveLength(1);
  vi.advanceTimersByTime(1);
  expect(payloads()[1]).toEqual({ symbols: ['BTC'], realtime: false, resume: PLACE });
  expect(onSettled).not.toHaveBeenCalled();
  answer({});
  expect(onSettled).toHaveBeenCalledOnce();
});

it('lets go once more of what nobody has come to want meanwhile', () => {
  const { requests, subscriptions, payloads, answer, onSettled } = requestsFor([]);
  requests.unsubscribe(['BTC', 'ETH']);
  answer(tooSoon);
  subscriptions.hold(['ETH']);
  vi.advanceTimersByTime(400);
  expect(payloads()[1]).toEqual({ symbols: ['BTC'] });
  answer(tooSoon);
  subscriptions.hold(['BTC']);
  vi.advanceTimersByTime(400);
  expect(payloads()).toHaveLength(2);
  expect(onSettled).toHaveBeenCalledOnce();
});

it('asks for nothing on a connection that is gone, and hears no answer of it', () => {
  const { requests, payloads, answer, onSettled } = requestsFor(['BTC', 'ETH']);
  requests.subscribe(['BTC']);
  answer(tooSoon);
  requests.subscribe(['ETH']);
  requests.stop();
  answer({});
  vi.advanceTimersByTime(1000);
  expect(payloads()).toHaveLength(2);
  expect(onSettled).not.toHaveBeenCalled();
});
