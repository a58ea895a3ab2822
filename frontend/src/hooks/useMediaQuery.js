import { useCallback, useSyncExternalStore } from 'react';

/**
 * @param {string} query
 * @returns {boolean} Whether it matches, kept up to date.
 */
export function useMediaQuery(query) {
  const subscribe = useCallback(
    (/** @type {() => void} */ callback) => {
      const list = matchMedia(query);
      list.addEventListener('change', callback);
      return () => list.removeEventListener('change', callback);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}
