import { useCallback } from 'react';
import { useStore } from 'zustand';
import { useChanges } from '@/hooks/useChanges.js';
import { useClock } from '@/hooks/useClock.js';
import { useRequest } from '@/hooks/useRequest.js';
import { useSource } from '@/hooks/useSource.js';
import { useStream } from '@/hooks/useWebSocket.js';
import { getRatings } from '@/lib/api.js';
import { marketInfo } from '@/lib/marketInfo.js';
import { marketNow } from '@/lib/marketTime.js';

const MINUTE_MS = 60_000;
/** A recording's minutes may be over sooner than anybody can read. */
const ASK_EVERY_MS = 10_000;
/** The server closes a minute within so long, where nobody trades. */
const CLOSED_WITHIN_MS = 3_000;
/** Not all pages that are open anywhere ask in the same moment. */
const SPREAD_MS = 3_000 * Math.random();

/**
 * The ratings of a symbol, asked for anew when a minute has closed, when a signal of it has come,
 * and when its prices are another source's; not in a hidden tab.
 * @param {string} symbol
 * @returns {{ ratings: import('@/lib/types.js').Ratings | null, error: Error | null }}
 */
export function useRatings(symbol) {
  const sources = useChanges(useSource(symbol));
  const said = useChanges(useStream((state) => state.latestSignals[symbol]?.id));
  const speed = useStore(marketInfo, (state) => state.feedStatus?.replay?.speed ?? 1);
  const period = Math.max(MINUTE_MS, speed * ASK_EVERY_MS);
  const closed = useClock((now) =>
    Math.floor(marketNow(now - CLOSED_WITHIN_MS - SPREAD_MS) / period),
  );
  const call = useCallback(
    (/** @type {AbortSignal} */ signal) => getRatings(symbol, signal),
    [symbol],
  );
  const { data, error } = useRequest(call, undefined, `${sources} ${said} ${closed}`);
  // The last answer may be another symbol's.
  return { ratings: data?.symbol === symbol ? data.ratings : null, error };
}
