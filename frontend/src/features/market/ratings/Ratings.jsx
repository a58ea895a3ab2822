import { useId, useState } from 'react';
import { Explained } from '@/components/Explained.jsx';
import { SignalTag } from '@/components/SignalTag.jsx';
import { useStream } from '@/hooks/useWebSocket.js';
import { formatScore, UNKNOWN } from '@/lib/format.js';
import { INTERVALS } from '../chart/intervals.js';
import { useRatings } from './useRatings.js';
import { Votes } from './Votes.jsx';
import './Ratings.css';

/**
 * The rating of a symbol on each timeframe; of the one that is chosen, every vote behind it.
 * @param {{ symbol: string }} props
 */
export function Ratings({ symbol }) {
  const id = useId();
  const { ratings, error } = useRatings(symbol);
  // Where a signal does not say, none is marked.
  const said = useStream((state) => state.latestSignals[symbol]?.timeframe);
  const [open, setOpen] = useState(/** @type {string | null} */ (null));
  return (
    <section className="ratings" aria-label={`Ratings of ${symbol}`}>
      <ul className="rating-row">
        {INTERVALS.map((timeframe) => (
          <li key={timeframe}>
            <button
              type="button"
              className="rating"
              aria-expanded={open === timeframe}
              aria-controls={open === timeframe ? id : undefined}
              onClick={() => setOpen(open === timeframe ? null : timeframe)}
            >
              <Timeframe name={timeframe} said={timeframe === said} />
              <Level rating={ratings?.[timeframe]} known={ratings !== null} />
            </button>
          </li>
        ))}
      </ul>
      <Explained terms={['rating', 'signal']} label="What ratings are" className="round">
        ?
      </Explained>
      {open !== null && (
        <div id={id} className="rating-panel">
          <Votes symbol={symbol} timeframe={open} ratings={ratings} error={error} />
        </div>
      )}
    </section>
  );
}

/** @param {{ name: string, said: boolean }} props `said`: whether the symbol's signal speaks of it. */
function Timeframe({ name, said }) {
  return (
    <span className={`rating-timeframe ${said ? 'said' : ''}`}>
      <strong>{name}</strong>
      {said && (
        <span className="rating-said" title="The signal speaks of this timeframe">
          signal
        </span>
      )}
    </span>
  );
}

/** @param {{ rating: import('@/lib/types.js').Rating | null | undefined, known: boolean }} props */
function Level({ rating, known }) {
  if (!rating) {
    return (
      <span className="rating-none" title={known ? 'Not enough candles' : undefined}>
        {known ? (
          <>
            <span aria-hidden="true">{UNKNOWN}</span>
            <span className="visually-hidden">not enough candles</span>
          </>
        ) : (
          '…'
        )}
      </span>
    );
  }
  return (
    <>
      <SignalTag level={rating.signal} />
      <span className="rating-score">{formatScore(rating.score)}</span>
    </>
  );
}
