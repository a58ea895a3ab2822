import { useStore } from 'zustand';
import { sourceOf } from '@/lib/feedState.js';
import { humanise } from '@/lib/format.js';
import { marketInfo } from '@/lib/marketInfo.js';
import './SourceBadge.css';

/** Where the data comes from, so that a simulation is never taken for a market. */
export function SourceBadge() {
  const feed = useStore(marketInfo, (state) => state.feed);
  const speed = useStore(marketInfo, (state) => state.feedStatus?.replay?.speed);
  if (!feed) return null;
  return (
    <span className="source-badge" title={sourceOf(feed)}>
      {humanise(feed)}
      {speed !== undefined && ` ${speed}×`}
    </span>
  );
}
