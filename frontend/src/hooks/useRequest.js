import { useEffect, useState } from 'react';
import { useOffline } from './useOffline.js';
import { useStream } from './useWebSocket.js';

/** An answer that could not be had, or was not asked for in a hidden tab, is asked for after this. */
const RETRY_MS = 5_000;

/** The last answer to each call, for whoever comes back while there is none to be had. */
const lastAnswers = new WeakMap();

/**
 * The answer of a REST call, asked again every `intervalMs` while the tab is visible, when the
 * connection is back, and when another source leads. A failure keeps the last answer, and is tried
 * again.
 *
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} call Stable between renders.
 * @param {number} [intervalMs]
 * @param {unknown} [occasion] Asked anew whenever it changes, too.
 * @returns {{ data: T | null, error: Error | null }} Both, when the answer is an old one.
 */
export function useRequest(call, intervalMs, occasion) {
  const offline = useOffline();
  const gaps = useStream((state) => state.gaps);
  return useAnswer(call, intervalMs, `${offline} ${gaps} ${occasion}`);
}

/**
 * The same for the past of what the stream goes on with: asked again only where something was said
 * meanwhile that the stream does not bring.
 *
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} call Stable between renders.
 * @param {unknown} [occasion] Asked anew whenever it changes, too.
 */
export function useHistory(call, occasion) {
  const gaps = useStream((state) => state.gaps);
  return useAnswer(call, undefined, `${gaps} ${occasion}`);
}

/**
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} call
 * @param {number | undefined} intervalMs
 * @param {unknown} occasion Asked anew whenever it changes.
 * @returns {{ data: T | null, error: Error | null }}
 */
function useAnswer(call, intervalMs, occasion) {
  const [result, setResult] = useState(
    /** @returns {{ data: T | null, error: Error | null }} */
    () => ({ data: lastAnswers.get(call) ?? null, error: null }),
  );

  useEffect(() => {
    const abort = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    /** @returns {Promise<number | undefined>} When to ask again, in ms. */
    async function answer() {
      if (document.hidden) return RETRY_MS;
      try {
        const data = await call(abort.signal);
        lastAnswers.set(call, data);
        setResult({ data, error: null });
        return intervalMs;
      } catch (error) {
        if (!abort.signal.aborted) {
          setResult(({ data }) => ({ data, error: /** @type {Error} */ (error) }));
        }
        return RETRY_MS;
      }
    }

    async function ask() {
      const pause = await answer();
      if (pause !== undefined && !abort.signal.aborted) timer = setTimeout(ask, pause);
    }

    void ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [call, intervalMs, occasion]);

  return result;
}
