import { useSyncExternalStore } from 'react';
import { currentSecond, onSecond } from '@/lib/clock.js';

/**
 * Something derived from the time: renders again only when it changes.
 * @template T
 * @param {(now: number) => T} selector Returns a primitive.
 * @returns {T}
 */
export function useClock(selector) {
  return useSyncExternalStore(onSecond, () => selector(currentSecond()));
}
