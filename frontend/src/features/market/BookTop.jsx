import { useShallow } from 'zustand/react/shallow';
import { Explained } from '@/components/Explained.jsx';
import { PriceText } from '@/components/PriceText.jsx';
import { useDecimals } from '@/hooks/useMarketInfo.js';
import { useStream } from '@/hooks/useWebSocket.js';
import { decimalsFor, formatBasisPoints } from '@/lib/format.js';
import { topOf } from './book.js';

/**
 * Best bid and ask of a symbol and the spread between them; nothing where the feed has none.
 * @param {{ symbol: string }} props
 */
export function BookTop({ symbol }) {
  const top = useStream(useShallow((state) => topOf(state.quotes[symbol])));
  const known = useDecimals(symbol);
  if (top === null) return null;
  const { bid, ask, spread, share } = top;
  const decimals = known ?? decimalsFor(ask);
  // It may be finer than what trades have been paid with.
  const finer = Math.max(decimals, decimalsFor(spread, 2));
  return (
    <dl className="book-top">
      <div>
        <dt>Bid</dt>
        <dd>
          <PriceText price={bid} decimals={decimals} />
        </dd>
      </div>
      <div>
        <dt>Ask</dt>
        <dd>
          <PriceText price={ask} decimals={decimals} />
        </dd>
      </div>
      <div>
        <dt>
          <Explained terms="spread">Spread</Explained>
        </dt>
        <dd>
          <PriceText price={spread} decimals={finer} /> ({formatBasisPoints(share)})
        </dd>
      </div>
    </dl>
  );
}
