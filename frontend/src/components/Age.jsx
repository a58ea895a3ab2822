import { useClock } from '@/hooks/useClock.js';
import { useExactTime } from '@/hooks/useTime.js';
import { formatAge } from '@/lib/format.js';
import { marketNow } from '@/lib/marketTime.js';

/**
 * How long ago on the market that is shown, kept up to date.
 * @param {{ time: string, suffix?: string }} props
 */
export function Age({ time, suffix = '' }) {
  const age = useClock((now) => formatAge(marketNow(now) - Date.parse(time)));
  const exactly = useExactTime(time);
  return (
    <time dateTime={time} title={exactly}>
      {age}
      {age === 'now' ? '' : suffix}
    </time>
  );
}
