import { useShallow } from 'zustand/react/shallow';
import { useStore } from 'zustand';
import { useClock } from '@/hooks/useClock.js';
import { useInstant, useSince, useTime, useZoneName } from '@/hooks/useTime.js';
import { useStream } from '@/hooks/useWebSocket.js';
import { describeChange, describeFeed, sourceOf } from '@/lib/feedState.js';
import { marketInfo } from '@/lib/marketInfo.js';
import { newestOf } from '@/lib/marketTime.js';
import { Age } from './Age.jsx';
import './FeedStrip.css';

const HOUR_MS = 3_600_000;
/** As many symbols as are named one by one. */
const NAMED = 4;
/** How long a change of the source stands out. */
const NEWS_MS = 60_000;

/**
 * What there is to know of the prices' source: which it is, and was before, in which state since
 * when, how old its last trade is, where in a recording it is, and what it lacks.
 */
export function FeedStrip() {
  const feed = useStore(marketInfo, (state) => state.feed);
  const status = useStore(marketInfo, (state) => state.feedStatus);
  const hour = useClock((now) => now - (now % HOUR_MS));
  const zone = useZoneName(hour);
  return (
    <aside className="feed-strip" aria-label="Source of the prices">
      {feed && status && (
        <ul>
          <li className="feed-source">{sourceOf(feed)}</li>
          <SourceChange />
          <State status={status} hour={hour} />
          {status.replay ? <Position playback={status.replay} /> : <LastTrade />}
          <Lacking unlisted={status.unlisted} />
        </ul>
      )}
      <span className="feed-zone">
        <span className="feed-zone-words">Times in </span>
        {zone}
      </span>
    </aside>
  );
}

/** That the prices were another source's a while ago, in the eye for its first minute. */
function SourceChange() {
  const change = useStore(marketInfo, (state) => state.sourceChange);
  const fresh = useClock((now) => change !== null && now - change.at < NEWS_MS);
  const since = useTime(change?.at ?? 0);
  if (!change) return null;
  return (
    <li className={`feed-change ${fresh ? 'fresh' : ''}`}>
      {describeChange(change)} since {since}
    </li>
  );
}

/** @param {{ status: import('@/lib/types.js').FeedStatus, hour: number }} props */
function State({ status, hour }) {
  const { word, tone } = describeFeed(status);
  const since = useSince(status.since, hour);
  return (
    <li className={tone === 'trouble' ? 'trouble' : ''} title={status.detail || undefined}>
      {word} since {since}
      {tone === 'trouble' && status.detail && `: ${status.detail}`}
    </li>
  );
}

function LastTrade() {
  const newest = useStream((state) => newestOf(state.quotes));
  if (newest === 0) return <li>No trade yet</li>;
  return (
    <li>
      Last trade <Age time={new Date(newest).toISOString()} suffix=" ago" />
    </li>
  );
}

/**
 * Where a recording is: as far as the newest price, which comes more often than the status.
 * @param {{ playback: import('@/lib/types.js').Playback }} props
 */
function Position({ playback }) {
  const newest = useStream((state) => newestOf(state.quotes));
  const position = newest === 0 ? playback.position : new Date(newest).toISOString();
  return (
    <>
      {position && (
        <li>
          At <Instant time={position} />
        </li>
      )}
      {playback.end && (
        <li>
          Ends at <Instant time={playback.end} />
        </li>
      )}
      <li>
        {playback.speed}× speed{playback.loop && ', repeated'}
      </li>
    </>
  );
}

/** @param {{ time: string }} props */
function Instant({ time }) {
  return <time dateTime={time}>{useInstant(time)}</time>;
}

/** @param {{ unlisted: string[] }} props */
function Lacking({ unlisted }) {
  const symbols = useStore(marketInfo, (state) => state.symbols);
  const silent = useStream(
    useShallow((state) =>
      symbols
        .map(({ symbol }) => symbol)
        .filter((symbol) => !state.quotes[symbol] && !unlisted.includes(symbol)),
    ),
  );
  const anything = silent.length < symbols.length - unlisted.length;
  return (
    <>
      {unlisted.length > 0 && <li title={unlisted.join(', ')}>Not listed: {named(unlisted)}</li>}
      {anything && silent.length > 0 && (
        <li title={silent.join(', ')}>No price yet: {named(silent)}</li>
      )}
    </>
  );
}

/** @param {string[]} symbols */
function named(symbols) {
  const more = symbols.length - NAMED;
  return symbols.slice(0, NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}
