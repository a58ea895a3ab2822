import { useClock } from '@/hooks/useClock.js';
import { formatAge } from '@/lib/format.js';

/**
 * How long ago, kept up to date.
 * @param {{ time: string, suffix?: string }} props
 */
export function Age({ time, suffix = '' }) {
  const age = useClock((now) => formatAge(now - Date.parse(time)));
  return (
    <time dateTime={time} title={new Date(time).toLocaleString('en-GB')}>
      {age}
      {age === 'now' ? '' : suffix}
    </time>
  );
}
