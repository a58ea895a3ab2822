import { useEffect, useState } from 'react';
import { useClock } from '@/hooks/useClock.js';
import { useHistory } from '@/hooks/useRequest.js';
import { useStream } from '@/hooks/useWebSocket.js';
import { getSentiment } from '@/lib/api.js';
import { streamStore } from '@/lib/streamStore.js';

const DAY_MS = 24 * 60 * 60_000;
/** The server has the day that is over within so long. */
const DAY_CLOSED_WITHIN_MS = 60_000;
/** While there is no daily index, or no line of readings: the server may be loading its past yet. */
const LOOK_AGAIN_MS = 15_000;

/**
 * The readings since before the page was opened, growing as new ones come, and the index of days,
 * which the stream does not bring.
 */
export function useSentiment() {
  const [lacking, setLacking] = useState(false);
  const period = useClock((now) =>
    Math.floor(lacking ? now / LOOK_AGAIN_MS : (now - DAY_CLOSED_WITHIN_MS) / DAY_MS),
  );
  const { data, error } = useHistory(getSentiment, period);
  const daily = data?.daily ?? null;
  const lacks = data !== null && (daily === null || data.history.length < 2);
  if (lacking !== lacks && data !== null) setLacking(lacks);
  useEffect(() => {
    if (data) streamStore.addSentiments(data.history);
  }, [data]);
  const latest = useStream((state) => state.sentimentData);
  return {
    error,
    latest: latest ?? data?.latest ?? null,
    history: useStream((state) => state.sentimentHistory),
    daily,
  };
}
