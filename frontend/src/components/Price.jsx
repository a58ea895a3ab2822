import { useEffect, useRef } from 'react';
import { useDecimals } from '@/hooks/useMarketInfo.js';
import { useSource } from '@/hooks/useSource.js';
import { useStream } from '@/hooks/useWebSocket.js';
import { flash } from './flash.js';
import { PriceText } from './PriceText.jsx';
import './Price.css';

/**
 * The price of a symbol, live, with a short flash in the colour of its last move.
 * @param {{ symbol: string }} props
 */
export function LivePrice({ symbol }) {
  const price = useStream((state) => state.quotes[symbol]?.price);
  const source = useSource(symbol);
  const decimals = useDecimals(symbol);
  const element = useRef(/** @type {HTMLSpanElement | null} */ (null));
  const last = useRef({ price, source });

  useEffect(() => {
    const before = last.current;
    last.current = { price, source };
    if (before.price === undefined || price === undefined || before.price === price) return;
    // Another exchange's price is no move of the market.
    if (before.source !== source) return;
    if (element.current) flash(element.current, price > before.price ? 'up' : 'down');
  }, [price, source]);

  return (
    <span ref={element} className="live-price" data-symbol={symbol}>
      <PriceText price={price} decimals={decimals} />
    </span>
  );
}
