import { useMemo } from 'react';
import { useStore } from 'zustand';
import { formatSpan } from '@/lib/format.js';
import { assetName, marketInfo } from '@/lib/marketInfo.js';

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

/**
 * @param {string} symbol
 * @returns {string | undefined} What the asset is called; nothing where that is its ticker.
 */
export function useAssetName(symbol) {
  return useStore(marketInfo, (state) => assetName(state.bySymbol[symbol]));
}

/**
 * @param {string[]} symbols
 * @returns {string} The time that their figures of 24 hours stand for, as long as any of them has it.
 */
export function useDaySpan(symbols) {
  return useStore(marketInfo, ({ bySymbol }) => {
    const spans = symbols.map((symbol) => bySymbol[symbol]?.day_span_seconds ?? null);
    const known = spans.filter((span) => span !== null);
    return formatSpan(known.length > 0 ? Math.max(...known) : null);
  });
}
