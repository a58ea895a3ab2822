import { useStore } from 'zustand';
import { useConnection } from '@/hooks/useWebSocket.js';
import { humanise } from '@/lib/format.js';
import { marketInfo } from '@/lib/marketInfo.js';
import './SourceBadge.css';

const HINTS = /** @type {Record<string, string>} */ ({
  simulated: 'Prices are computed by a simulation; no real market is behind them',
  replay: 'A recording of a real market, played back',
  binance: 'Live trades of the Binance spot market',
});

/** Where the data comes from, so that a simulation is never taken for a market. */
export function SourceBadge() {
  const listed = useStore(marketInfo, (state) => state.feed);
  const streamed = useConnection((state) => state.feed);
  const degraded = useConnection((state) => state.feedDegraded);
  const feed = streamed ?? listed;
  if (!feed) return null;
  return (
    <span className={`source-badge ${degraded ? 'degraded' : ''}`} title={HINTS[feed]}>
      {humanise(feed)}
      {degraded && ' · no fresh data'}
    </span>
  );
}
