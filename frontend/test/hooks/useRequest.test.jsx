// @vitest-environment jsdom
import { act, renderHook } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { useHistory, useRequest } from '@/hooks/useRequest.js';
import { preview } from '@/lib/preview.js';
import { streamStore } from '@/lib/streamStore.js';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  preview.setState({ reachable: true });
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const passed = (/** @type {number} */ ms) => act(() => vi.advanceTimersByTimeAsync(ms));

it('asks again by itself after a failure', async () => {
  const call = vi.fn().mockRejectedValueOnce(new Error('unreachable')).mockResolvedValue('answer');
  const { result } = renderHook(() => useRequest(call));
  await passed(0);
  expect(result.current).toMatchObject({ data: null, error: { message: 'unreachable' } });
  await passed(6000);
  expect(result.current).toEqual({ data: 'answer', error: null });
  await passed(60_000);
  expect(call).toHaveBeenCalledTimes(2);
});

it('keeps the last answer through a failure, and for whoever comes back meanwhile', async () => {
  const call = vi.fn().mockResolvedValueOnce('answer').mockRejectedValue(new Error('unreachable'));
  const first = renderHook(() => useRequest(call, 1000));
  await passed(1000);
  expect(first.result.current).toMatchObject({ data: 'answer', error: { message: 'unreachable' } });
  first.unmount();
  const second = renderHook(() => useRequest(call, 1000));
  await passed(0);
  expect(second.result.current.data).toBe('answer');
});

it('asks anew when the server is back, for what came meanwhile', async () => {
  const call = vi.fn().mockResolvedValueOnce('before').mockResolvedValue('after');
  const { result } = renderHook(() => useRequest(call));
  await passed(0);
  act(() => preview.setState({ reachable: false }));
  await passed(0);
  act(() => preview.setState({ reachable: true }));
  await passed(0);
  expect(result.current.data).toBe('after');
});

it('asks for the past anew only where the stream does not bring it', async () => {
  const call = vi.fn().mockResolvedValueOnce('before').mockResolvedValue('after');
  const { result } = renderHook(() => useHistory(call));
  await passed(0);
  act(() => streamStore.ingest('resumed', { recovered: true }));
  act(() => preview.setState({ reachable: false }));
  await passed(60_000);
  expect(result.current.data).toBe('before');
  act(() => streamStore.ingest('resumed', { recovered: false }));
  await passed(0);
  expect(result.current.data).toBe('after');
});

it('asks anew when another source leads', async () => {
  const call = vi.fn().mockResolvedValueOnce('before').mockResolvedValue('after');
  const { result } = renderHook(() => useRequest(call, 30_000));
  await passed(0);
  act(() => streamStore.noteGap());
  await passed(0);
  expect(result.current.data).toBe('after');
});

it('asks in a hidden tab once it is shown', async () => {
  const hidden = vi.spyOn(document, 'hidden', 'get').mockReturnValue(true);
  const call = vi.fn().mockResolvedValue('answer');
  renderHook(() => useRequest(call));
  await passed(60_000);
  expect(call).not.toHaveBeenCalled();
  hidden.mockReturnValue(false);
  await passed(60_000);
  expect(call).toHaveBeenCalledOnce();
});
