import { useEffect, useRef } from 'react';
import { useDecimals } from '@/hooks/useMarketInfo.js';
import { useStream } from '@/hooks/useWebSocket.js';
import { formatPrice } from '@/lib/format.js';
import './Price.css';

/** A price that moves ten times a second would otherwise never stop flashing. */
const FLASH_EVERY_MS = 900;
const FLASH_MS = 700;

/**
 * The price of a symbol, live, with a short flash in the colour of its last move.
 * @param {{ symbol: string }} props
 */
export function LivePrice({ symbol }) {
  const price = useStream((state) => state.quotes[symbol]?.price);
  const decimals = useDecimals(symbol);
  const element = useRef(/** @type {HTMLSpanElement | null} */ (null));
  const last = useRef({ price, flashedAt: 0 });

  useEffect(() => {
    const { price: before, flashedAt } = last.current;
    last.current.price = price;
    if (before === undefined || price === undefined || before === price) return;
    const now = performance.now();
    if (now - flashedAt < FLASH_EVERY_MS || !element.current) return;
    if (matchMedia('(prefers-reduced-motion: reduce)').matches) return;
    last.current.flashedAt = now;
    element.current.dataset.move = price > before ? 'up' : 'down';
    // Opacity alone is animated: the compositor does it without layout or paint.
    element.current.animate(
      { opacity: [1, 0] },
      { duration: FLASH_MS, easing: 'ease-out', pseudoElement: '::before' },
    );
  }, [price]);

  return (
    <span ref={element} className="live-price" data-symbol={symbol}>
      {formatPrice(price, decimals)}
    </span>
  );
}
