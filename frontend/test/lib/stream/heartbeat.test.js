import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Heartbeat, HEARTBEAT_INTERVAL_MS, MISSED_HEARTBEATS_MAX } from '@/lib/stream/heartbeat.js';
import { FakeSocket } from './fakeSocket.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

function beating() {
  const listener = { onAnswer: vi.fn(), onSilence: vi.fn() };
  const page = { hidden: false };
  const clock = { now: 0 };
  const socket = new FakeSocket();
  const heartbeat = new Heartbeat({
    ...listener,
    hidden: () => page.hidden,
    now: () => clock.now,
  });
  heartbeat.start(/** @type {any} */ (socket));
  return { heartbeat, socket, page, clock, ...listener };
}

/** @param {FakeSocket} socket */
async function answer(socket) {
  socket.unanswered.shift()?.resolve();
  await vi.advanceTimersByTimeAsync(HEARTBEAT_INTERVAL_MS);
}

/**
 * @param {FakeSocket} socket
 * @param {number} times
 */
async function miss(socket, times) {
  for (let time = 0; time < times; time += 1) {
    socket.unanswered.shift()?.reject();
    await vi.advanceTimersByTimeAsync(HEARTBEAT_INTERVAL_MS);
  }
}

describe('the heartbeat', () => {
  it('measures the round trip at once and then at intervals', async () => {
    const { socket, clock, onAnswer } = beating();
    clock.now = 12.4;
    await answer(socket);
    clock.now = 20.4;
    await answer(socket);
    expect(onAnswer.mock.calls).toEqual([[12], [8]]);
  });

  it('calls a connection dead that missed so many in a row', async () => {
    const { socket, onSilence } = beating();
    await answer(socket);
    await miss(socket, MISSED_HEARTBEATS_MAX - 1);
    await answer(socket);
    await miss(socket, MISSED_HEARTBEATS_MAX - 1);
    expect(onSilence).not.toHaveBeenCalled();
    await miss(socket, 1);
    expect(onSilence).toHaveBeenCalledOnce();
  });

  it('bears with a server that never answers', async () => {
    const { socket, onSilence } = beating();
    await miss(socket, 3 * MISSED_HEARTBEATS_MAX);
    expect(onSilence).not.toHaveBeenCalled();
  });

  it('stays quiet while nobody looks', async () => {
    const { heartbeat, socket, page } = beating();
    await answer(socket);
    await answer(socket);
    page.hidden = true;
    await vi.advanceTimersByTimeAsync(3 * HEARTBEAT_INTERVAL_MS);
    const before = socket.unanswered.length;
    await vi.advanceTimersByTimeAsync(3 * HEARTBEAT_INTERVAL_MS);
    expect(socket.unanswered).toHaveLength(before);
    page.hidden = false;
    void heartbeat.beat();
    expect(socket.unanswered).toHaveLength(before + 1);
  });

  it('asks nothing more once stopped, and hears nothing of the old socket', async () => {
    const { heartbeat, socket, onAnswer, onSilence } = beating();
    await answer(socket);
    heartbeat.stop();
    const asked = socket.unanswered.length;
    onAnswer.mockClear();
    await answer(socket);
    await miss(socket, MISSED_HEARTBEATS_MAX);
    expect(asked).toBe(1);
    expect(socket.unanswered).toEqual([]);
    expect(onAnswer).not.toHaveBeenCalled();
    expect(onSilence).not.toHaveBeenCalled();
  });

  it('expects of a socket nothing that another one did', async () => {
    const { heartbeat, socket, onSilence } = beating();
    await answer(socket);
    await miss(socket, MISSED_HEARTBEATS_MAX - 1);
    const silent = new FakeSocket();
    heartbeat.start(/** @type {any} */ (silent));
    await miss(silent, MISSED_HEARTBEATS_MAX);
    expect(onSilence).not.toHaveBeenCalled();
  });
});
