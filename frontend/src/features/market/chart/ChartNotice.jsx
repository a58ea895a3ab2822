import { useConnection } from '@/hooks/useWebSocket.js';
import { formatClock } from '@/lib/time.js';

const NOTHING_SHOWN = {
  loading: 'Loading candles…',
  current: null,
  empty: 'No candles of this interval yet.',
  unreachable: 'The candles could not be loaded; trying again.',
};
const OLD_SHOWN = {
  loading: null,
  current: null,
  empty: 'the server has no candles yet',
  unreachable: 'the candles can’t be loaded; trying again',
};

/**
 * How true the chart is, where it may not be.
 * @param {{ state: import('./candleSeries.js').SeriesState, shown: boolean, offline: boolean }} props
 *   `shown`: whether there are any candles.
 */
export function ChartNotice({ state, shown, offline }) {
  const since = useConnection((connection) => connection.offlineSince);
  if (!shown) {
    const text = NOTHING_SHOWN[state];
    return text && <p className="chart-problem">{text}</p>;
  }
  const lost = since === null ? 'connection lost' : `connection lost at ${formatClock(since)}`;
  const text = offline ? lost : OLD_SHOWN[state];
  return (
    text && (
      <p className="chart-stale">
        <strong>Stale</strong> {text}
      </p>
    )
  );
}
