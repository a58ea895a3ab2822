import { useEffect, useState } from 'react';
import { useClock } from '@/hooks/useClock.js';
import { useHistory } from '@/hooks/useRequest.js';
import { useStream } from '@/hooks/useWebSocket.js';
import { getSentiment } from '@/lib/api.js';
import { streamStore } from '@/lib/streamStore.js';

const DAY_MS = 24 * 60 * 60_000;
/** The server has the day that is over within so long. */
const DAY_CLOSED_WITHIN_MS = 60_000;
/**
 * While there is no daily index, or no line of readings, the server may be loading its past yet, or
 * have none: it is asked again after this, and then after twice as long each time.
 */
const LOOK_AGAIN_MS = 15_000;

/** What the server knows, and when it said so. @param {AbortSignal} signal */
const askForSentiment = async (signal) => ({
  sentiment: await getSentiment(signal),
  at: Date.now(),
});

/**
 * The readings since before the page was opened, growing as new ones come, and the index of days,
 * which the stream does not bring.
 */
export function useSentiment() {
  const [lackingSince, setLackingSince] = useState(/** @type {number | null} */ (null));
  const day = useClock((now) => Math.floor((now - DAY_CLOSED_WITHIN_MS) / DAY_MS));
  const looks = useClock((now) =>
    lackingSince === null ? 0 : Math.floor(Math.log2(1 + (now - lackingSince) / LOOK_AGAIN_MS)),
  );
  const { data: answer, error } = useHistory(askForSentiment, `${day} ${looks}`);
  const data = answer?.sentiment ?? null;
  const daily = data?.daily ?? null;
  const lacks = answer !== null && (daily === null || answer.sentiment.history.length < 2);
  if (lacks !== (lackingSince !== null)) setLackingSince(lacks ? answer.at : null);
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
