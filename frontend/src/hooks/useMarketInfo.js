import { useMemo } from 'react';
import { useStore } from 'zustand';
import { marketInfo } from '@/lib/marketInfo.js';

/** @returns {string[]} Every symbol the server carries, in its order; empty until loaded. */
export function useSymbols() {
  const symbols = useStore(marketInfo, (state) => state.symbols);
  return useMemo(() => symbols.map(({ symbol }) => symbol), [symbols]);
}

/**
 * @param {string} symbol
 * @returns {number | undefined} Decimals of its price.
 */
export function useDecimals(symbol) {
  return useStore(marketInfo, (state) => state.bySymbol[symbol]?.price_decimals ?? undefined);
}
