import { useStore } from 'zustand';
import { useClock } from '@/hooks/useClock.js';
import { useConnection } from '@/hooks/useWebSocket.js';
import { describeFeed } from '@/lib/feedState.js';
import { marketInfo } from '@/lib/marketInfo.js';
import { preview } from '@/lib/preview.js';
import websocketService from '@/lib/websocket.js';
import { Explained } from './Explained.jsx';
import './ConnectionIndicator.css';

/** Names for the stylesheet, by what the feed's state means. */
const TONES = { live: 'connected', playing: 'playing', trouble: 'troubled' };

/**
 * Live or Offline, or what else the prices are; the round trip while live, what happens next while not.
 * @param {{ streaming: boolean }} props False for a visitor without an account, whose prices are polled.
 */
export function ConnectionIndicator({ streaming }) {
  return streaming ? <StreamIndicator /> : <PreviewIndicator />;
}

function StreamIndicator() {
  const phase = useConnection((state) => state.phase);
  const latency = useConnection((state) => state.latencyMs);
  // A token that is being renewed is nothing a reader need notice.
  const live = phase === 'connected' || phase === 'renewing';
  // What comes over a good connection may be old all the same.
  const { word, tone } = describeFeed(useStore(marketInfo, (state) => state.feedStatus));
  return (
    <div className={`connection-status ${live ? TONES[tone] : 'disconnected'}`}>
      <span className="status-indicator" aria-hidden="true" />
      <strong>{live ? word : 'Offline'}</strong>
      {live ? (
        latency !== null && (
          <span className="status-detail">
            <Explained terms="latency">{latency} ms</Explained>
          </span>
        )
      ) : (
        <NextAttempt phase={phase} />
      )}
    </div>
  );
}

/** @param {{ phase: import('@/lib/websocket.js').ConnectionState['phase'] }} props */
function NextAttempt({ phase }) {
  const retryAt = useConnection((state) => state.retryAt);
  const seconds = useClock((now) =>
    retryAt === null ? 0 : Math.max(0, Math.ceil((retryAt - now) / 1000)),
  );
  if (phase === 'connecting') return <span className="status-detail">connecting…</span>;
  if (phase === 'waiting') {
    return (
      <>
        <span className="status-detail">again in {seconds} s</span>
        <button type="button" className="retry" onClick={() => websocketService.retryNow()}>
          Now
        </button>
      </>
    );
  }
  if (phase === 'failed') {
    return (
      <button type="button" className="retry" onClick={() => websocketService.retryNow()}>
        Reconnect
      </button>
    );
  }
  return null;
}

function PreviewIndicator() {
  const reachable = useStore(preview, (state) => state.reachable);
  const { word, tone } = describeFeed(useStore(marketInfo, (state) => state.feedStatus));
  return (
    <div className={`connection-status ${reachable ? 'preview' : 'disconnected'}`}>
      <span className="status-indicator" aria-hidden="true" />
      <strong>{reachable ? 'Preview' : 'Offline'}</strong>
      {reachable && (
        <span className="status-detail">{tone === 'trouble' ? word : 'every 2 s'}</span>
      )}
    </div>
  );
}
