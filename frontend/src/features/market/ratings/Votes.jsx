import { Explained } from '@/components/Explained.jsx';
import { PriceText } from '@/components/PriceText.jsx';
import { useDecimals } from '@/hooks/useMarketInfo.js';
import { useMoment } from '@/hooks/useTime.js';
import { decimalsFor, formatPrice, formatScore, humanise, UNKNOWN } from '@/lib/format.js';
import { GLOSSARY } from '@/lib/glossary.js';
import { widthOf } from '../columnWidths.js';
import { groupsOf } from './votes.js';

/** By vote: to see, to hear, and for the stylesheet. */
const VOTES = [
  { glyph: '▼', word: 'Sell', tone: 'down' },
  { glyph: '●', word: 'Hold', tone: 'flat' },
  { glyph: '▲', word: 'Buy', tone: 'up' },
];
/** A longer one, in characters, has a line of its own. */
const SHORT_NAME = 8;
const NO_VOTE = { glyph: UNKNOWN, word: 'Needs more candles', tone: 'flat' };

/** @param {import('@/lib/types.js').Vote['vote']} vote */
const describe = (vote) => (vote === null ? NO_VOTE : VOTES[vote + 1]);

/**
 * What a rating is made of, where there is one.
 * @param {{ symbol: string, timeframe: string, ratings: import('@/lib/types.js').Ratings | null,
 *   error: Error | null }} props
 */
export function Votes({ symbol, timeframe, ratings, error }) {
  if (ratings === null) {
    return (
      <p className="empty" role="status">
        {error ? 'The ratings could not be loaded; trying again.' : 'Loading…'}
      </p>
    );
  }
  const rating = ratings[timeframe];
  if (!rating) {
    return (
      <p className="empty">
        There are not enough candles of {timeframe} yet: a rating needs 60 that have closed.
      </p>
    );
  }
  return (
    <>
      <p className="rating-summary">
        <strong>{timeframe}</strong> {humanise(rating.signal)}, score {formatScore(rating.score)}
        <span className="muted">
          {' '}
          · candle of <Moment time={rating.candle_time} />
        </span>
      </p>
      <div className="rating-groups">
        {groupsOf(rating).map((group) => (
          <Group key={group.term} symbol={symbol} group={group} />
        ))}
      </div>
    </>
  );
}

/** @param {{ time: string }} props */
function Moment({ time }) {
  return <time dateTime={time}>{useMoment(time)}</time>;
}

/** @param {{ symbol: string, group: import('./votes.js').Group }} props */
function Group({ symbol, group: { term, count, votes } }) {
  const decimals = useDecimals(symbol);
  // Averages are prices; what oscillators say has units of its own.
  const decimalsOf = (/** @type {number} */ value) =>
    term === 'moving_averages' ? decimals : decimalsFor(value);
  const digits = Math.max(
    ...votes.map(({ value }) =>
      value === null ? 0 : widthOf(formatPrice(value, decimalsOf(value))),
    ),
  );
  return (
    <section className={`rating-group ${term}`} aria-label={GLOSSARY[term].name}>
      <h3>
        <Explained terms={term}>{GLOSSARY[term].name}</Explained>{' '}
        <span className="muted">{count.score === null ? UNKNOWN : formatScore(count.score)}</span>
        <span className="rating-counts">
          <span className="up">{count.buy} buy</span>
          <span className="muted">{count.hold} hold</span>
          <span className="down">{count.sell} sell</span>
        </span>
      </h3>
      <ul style={/** @type {import('react').CSSProperties} */ ({ '--digits': digits })}>
        {votes.map(({ name, value, vote }) => (
          <li key={name} className={name.length > SHORT_NAME ? 'long' : ''}>
            <span className="vote-name" title={name}>
              {name}
            </span>
            <span className="number">
              {value !== null && <PriceText price={value} decimals={decimalsOf(value)} />}
            </span>
            <span className={`vote ${describe(vote).tone}`} title={describe(vote).word}>
              <span aria-hidden="true">{describe(vote).glyph}</span>
              <span className="visually-hidden">{describe(vote).word}</span>
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
