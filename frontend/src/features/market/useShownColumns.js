import { useEffect, useState } from 'react';

/**
 * Which columns a table shows: narrow ones leave some out, as the stylesheet says.
 * @param {import('react').RefObject<HTMLElement | null>} head Its cells name their column in
 *   `data-column`.
 * @param {string[]} all
 * @returns {string[]} Those of all that are shown.
 */
export function useShownColumns(head, all) {
  const [shown, setShown] = useState(all);
  useEffect(() => {
    if (!head.current) return;
    const row = head.current;
    const measure = () => {
      const found = all.filter(
        (column) => row.querySelector(`[data-column="${column}"]`)?.getClientRects().length !== 0,
      );
      setShown((before) => (String(before) === String(found) ? before : found));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(row);
    return () => observer.disconnect();
  }, [head, all]);
  return shown;
}
