import { useStore } from 'zustand';
import { isOffline } from '@/lib/stream/state.js';
import { preview } from '@/lib/preview.js';
import { useConnection } from './useWebSocket.js';

/** @returns {boolean} Whether prices can't be heard just now, so that those shown may be old. */
export function useOffline() {
  const lost = useConnection(isOffline);
  const unreachable = useStore(preview, (state) => !state.reachable);
  return lost || unreachable;
}
