import { useEffect, useState } from 'react';

/**
 * The answer of a REST call, asked again every `intervalMs` while the tab is visible. A failed
 * repetition keeps the last answer.
 *
 * @template T
 * @param {(signal: AbortSignal) => Promise<T>} call Stable between renders.
 * @param {number} [intervalMs]
 * @returns {{ data: T | null, error: Error | null }}
 */
export function useRequest(call, intervalMs) {
  const [result, setResult] = useState(
    /** @type {{ data: T | null, error: Error | null }} */ ({ data: null, error: null }),
  );

  useEffect(() => {
    const abort = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;

    async function ask() {
      if (!document.hidden) {
        try {
          const data = await call(abort.signal);
          setResult({ data, error: null });
        } catch (error) {
          if (abort.signal.aborted) return;
          setResult(({ data }) => ({ data, error: /** @type {Error} */ (error) }));
        }
      }
      if (intervalMs && !abort.signal.aborted) timer = setTimeout(ask, intervalMs);
    }

    void ask();
    return () => {
      abort.abort();
      clearTimeout(timer);
    };
  }, [call, intervalMs]);

  return result;
}
