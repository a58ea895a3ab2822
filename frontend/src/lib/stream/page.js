/** The page around the connection. Outside of one, as in Node, nothing is hidden or comes back. */

/** @returns {boolean} Whether nobody looks at the page. */
export const isHidden = () => typeof document !== 'undefined' && document.hidden;

/**
 * Hear when a connection is worth another look.
 * @param {{ onOnline: () => void, onVisible: () => void }} listener The network is back; the tab is
 *   looked at again.
 * @returns {() => void} Stops it.
 */
export function watchPage({ onOnline, onVisible }) {
  if (typeof window === 'undefined') return () => {};
  const onVisibility = () => {
    if (document.visibilityState === 'visible') onVisible();
  };
  window.addEventListener('online', onOnline);
  document.addEventListener('visibilitychange', onVisibility);
  return () => {
    window.removeEventListener('online', onOnline);
    document.removeEventListener('visibilitychange', onVisibility);
  };
}
