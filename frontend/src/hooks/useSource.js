import { useStream } from './useWebSocket.js';

/**
 * @param {string} symbol
 * @returns {string | undefined} Whose prices it has: what is shown of another source is to be loaded
 *   anew.
 */
export const useSource = (symbol) => useStream((state) => state.quotes[symbol]?.source);
