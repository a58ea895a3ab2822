import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { useStore } from 'zustand';
import { useShallow } from 'zustand/react/shallow';
import { streamStore } from '@/lib/streamStore.js';
import { listOf } from '@/lib/symbols.js';
import websocketService from '@/lib/websocket.js';

/** @typedef {import('@/lib/streamStore.js').StreamState} StreamState */
/** @typedef {import('@/lib/websocket.js').ConnectionState} ConnectionState */

/**
 * @typedef {object} StreamOptions
 * @property {boolean} [autoConnect] Connect on mount (the default), let go on unmount.
 * @property {string | string[]} [symbols] Subscribed to while mounted.
 * @property {string} [token] Access token; without one, the signed-in session's.
 * @property {boolean} [realtime] Ask for `price_update` events too.
 * @property {import('@/lib/websocket.js').ConnectOptions} [connection] Options of `connect`.
 */

/**
 * Part of what the stream has said: renders again only when that part changes.
 * @template T
 * @param {(state: StreamState) => T} selector
 * @returns {T}
 */
export function useStream(selector) {
  return useStore(streamStore, selector);
}

/**
 * Part of the connection's state: renders again only when that part changes.
 * @template T
 * @param {(state: ConnectionState) => T} selector Returns a primitive.
 * @returns {T}
 */
export function useConnection(selector) {
  return useSyncExternalStore(subscribeToState, () => selector(websocketService.getState()));
}

/** @param {() => void} callback */
const subscribeToState = (callback) => websocketService.onStateChange(callback);

/**
 * Hold the connection and symbols while mounted, without rendering at their updates. `disconnect`
 * lets go of the connection, which stays for others who hold it.
 *
 * @param {StreamOptions} [options]
 * @returns {{ connect: () => void, disconnect: () => void, subscribe: (symbols: string | string[]) => void }}
 */
export function useLiveSymbols({
  autoConnect = true,
  symbols = [],
  token,
  realtime = false,
  connection,
} = {}) {
  // One string, so that a new array with the same symbols is no change.
  const wanted = [...new Set(listOf(symbols))].sort().join(',');
  const [connectOptions] = useState(connection);
  /** @type {import('react').RefObject<(() => void) | null>} */
  const release = useRef(null);
  /** @type {import('react').RefObject<Set<string>>} */
  const added = useRef(new Set());

  const connect = useCallback(() => {
    const options = { ...connectOptions, ...(token ? { auth: { token } } : {}) };
    const previous = release.current;
    release.current = websocketService.retain(undefined, options);
    previous?.();
  }, [token, connectOptions]);

  const disconnect = useCallback(() => {
    release.current?.();
    release.current = null;
  }, []);

  const subscribe = useCallback((/** @type {string | string[]} */ more) => {
    const news = listOf(more).filter((symbol) => !added.current.has(symbol));
    for (const symbol of news) added.current.add(symbol);
    websocketService.subscribe(news);
  }, []);

  useEffect(() => {
    if (autoConnect) connect();
    return disconnect;
  }, [autoConnect, connect, disconnect]);

  useEffect(() => {
    const list = wanted === '' ? [] : wanted.split(',');
    websocketService.subscribe(list, { realtime });
    return () => websocketService.unsubscribe(list, { realtime });
  }, [wanted, realtime]);

  useEffect(() => {
    const mine = added.current;
    return () => {
      websocketService.unsubscribe([...mine]);
      mine.clear();
    };
  }, []);

  return { connect, disconnect, subscribe };
}

/**
 * The stream as a component's state. Renders at every update; where that is too often, read
 * parts with `useStream` and `useConnection`, and hold the symbols with `useLiveSymbols`.
 *
 * @param {StreamOptions} [options]
 */
export function useWebSocket(options = {}) {
  const actions = useLiveSymbols(options);
  const data = useStream(
    useShallow(({ marketData, sentimentData, tradingSignals, lastUpdate }) => ({
      marketData,
      sentimentData,
      tradingSignals,
      lastUpdate,
    })),
  );
  return {
    isConnected: useConnection((state) => state.phase === 'connected'),
    connectionStatus: useConnection((state) => state.status),
    ...data,
    ...actions,
  };
}
