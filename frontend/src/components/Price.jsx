import { useEffect, useRef } from 'react';
import { useDecimals } from '@/hooks/useMarketInfo.js';
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
  const decimals = useDecimals(symbol);
  const element = useRef(/** @type {HTMLSpanElement | null} */ (null));
  const last = useRef(price);

  useEffect(() => {
    const before = last.current;
    last.current = price;
    if (before === undefined || price === undefined || before === price) return;
    if (element.current) flash(element.current, price > before ? 'up' : 'down');
  }, [price]);

  return (
    <span ref={element} className="live-price" data-symbol={symbol}>
      <PriceText price={price} decimals={decimals} />
    </span>
  );
}
