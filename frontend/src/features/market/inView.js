import { useEffect, useRef, useState } from 'react';
import { useStream } from '@/hooks/useWebSocket.js';

/**
 * Brings the selected row into view: when another one is selected, and when there are quotes to put
 * the rows in their order.
 * @param {string | null} selected
 * @param {string[]} symbols
 */
export function useSelectedInView(selected, symbols) {
  const body = useRef(/** @type {HTMLTableSectionElement | null} */ (null));
  const quoted = useStream((state) => symbols.some((symbol) => symbol in state.marketData));
  useEffect(() => {
    body.current?.querySelector('.selected')?.scrollIntoView({ block: 'nearest' });
  }, [selected, quoted]);
  return body;
}

/**
 * Whether an element is in view or nearly so: rows out of sight don't render at each price.
 * @param {import('react').RefObject<Element | null>} element
 */
export function useInView(element) {
  const [inView, setInView] = useState(false);
  useEffect(() => {
    if (!element.current) return;
    const observer = new IntersectionObserver(([entry]) => setInView(entry.isIntersecting), {
      rootMargin: '100px',
    });
    observer.observe(element.current);
    return () => observer.disconnect();
  }, [element]);
  return inView;
}
