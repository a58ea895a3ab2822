import { useEffect, useState } from 'react';
import { useOffline } from './useOffline.js';

/** An answer that could not be had is asked for again after this. */
const RETRY_MS = 5_000;

/** The last answer to each call, for whoever comes back while there is none to be had. */
const lastAnswers = new WeakMap();

/**
 * The answer of a REST call, asked again every `intervalMs` while the tab is visible, and when the
 * connection is back. A failure keeps the last answer, and is tried again.
 *
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} call Stable between renders.
 * @param {number} [intervalMs]
 * @returns {{ data: T | null, error: Error | null }} Both, when the answer is an old one.
 */
export function useRequest(call, intervalMs) {
  const [result, setResult] = useState(
    /** @returns {{ data: T | null, error: Error | null }} */
    () => ({ data: lastAnswers.get(call) ?? null, error: null }),
  );
  const offline = useOffline();

  useEffect(() => {
    const abort = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    /** @returns {Promise<number | undefined>} When to ask again, in ms. */
    async function answer() {
      if (document.hidden) return intervalMs;
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
  }, [call, intervalMs, offline]);

  return result;
}
