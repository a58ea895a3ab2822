import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import { Age } from '@/components/Age.jsx';
import { Card, Empty } from '@/components/Card.jsx';
import { Explained } from '@/components/Explained.jsx';
import { PriceText } from '@/components/PriceText.jsx';
import { SignalTag } from '@/components/SignalTag.jsx';
import { useDecimals } from '@/hooks/useMarketInfo.js';
import { useHistory } from '@/hooks/useRequest.js';
import { useStream } from '@/hooks/useWebSocket.js';
import { getSignals } from '@/lib/api.js';
import { formatShare } from '@/lib/format.js';
import { signalKey, streamStore } from '@/lib/streamStore.js';
import './SignalFeed.css';

/** As many as fit a tall screen; the chart page has each symbol's own. */
const SHOWN = 60;

/** @param {AbortSignal} signal */
const recentSignals = (signal) => getSignals({ limit: SHOWN, signal });

/** Signals as they come, with those from before the page was opened. */
export function SignalFeed() {
  const { data, error } = useHistory(recentSignals);
  useEffect(() => {
    if (data) streamStore.addHistory(data.signals);
  }, [data]);
  const newest = useStream((state) => state.signalHistory);
  // What is being read or pointed at does not move; null while nobody does.
  const [held, setHeld] = useState(/** @type {typeof newest | null} */ (null));
  const hold = () => setHeld((before) => before ?? newest);
  const signals = held ?? newest;
  const timeframe = newest[0]?.timeframe ?? '';
  return (
    <Card
      title={<Explained terms={['signal', 'strength', 'reason']}>Signals</Explained>}
      className="signals-card"
      aside={held && <span className="muted small">Held while you read</span>}
      note={`Computed from indicators of ${timeframe} candles. A description of the market, not advice.`}
    >
      {signals.length === 0 ? (
        <Empty>
          {error
            ? 'The signals could not be loaded; trying again.'
            : 'Signals appear here when the analysis rates a symbol anew.'}
        </Empty>
      ) : (
        // Scrollable, so reachable by keyboard.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        <ol
          className="signals"
          tabIndex={0}
          aria-label="Signals, newest first"
          onPointerEnter={hold}
          onPointerLeave={() => setHeld(null)}
          onFocus={hold}
          onBlur={() => setHeld(null)}
        >
          {signals.slice(0, SHOWN).map((signal, row) => (
            // By its row: a new signal then changes what rows say, and moves none of them.
            <Signal key={row} signal={signal} />
          ))}
        </ol>
      )}
    </Card>
  );
}

/** @param {{ signal: import('@/lib/types.js').TradingSignal }} props */
function Signal({ signal }) {
  const decimals = useDecimals(signal.symbol);
  return (
    <li data-signal={signalKey(signal)}>
      <div className="signal-head">
        <Link href={`/markets/${signal.symbol}`} title={signal.symbol}>
          {signal.symbol}
        </Link>
        <SignalTag level={signal.signal} />
        <span className="number">
          <PriceText price={signal.price} decimals={decimals} />
        </span>
      </div>
      <div className="signal-foot">
        <span className="signal-reason">{signal.reason}</span>
        <span title="Strength">{formatShare(signal.strength)}</span>
        <Age time={signal.timestamp} />
      </div>
    </li>
  );
}
