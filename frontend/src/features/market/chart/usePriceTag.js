import { useEffect } from 'react';
import { streamStore } from '@/lib/streamStore.js';

/**
 * Keep the live price on the chart's axis.
 * @param {import('./chartView.js').ChartView | null} view
 * @param {string} symbol
 * @param {boolean} offline Whether the price can't be heard.
 */
export function usePriceTag(view, symbol, offline) {
  useEffect(() => {
    if (!view) return;
    const show = () => {
      const quote = streamStore.getState().quotes[symbol];
      view.setPrice(quote?.price ?? null, offline || (quote?.stale ?? false));
    };
    show();
    return streamStore.subscribe((state, before) => {
      if (state.quotes[symbol] !== before.quotes[symbol]) show();
    });
  }, [view, symbol, offline]);
}
