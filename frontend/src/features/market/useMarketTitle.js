import { useEffect } from 'react';
import { useDecimals } from '@/hooks/useMarketInfo.js';
import { useOffline } from '@/hooks/useOffline.js';
import { titleOf } from '@/hooks/useTitle.js';
import { formatPrice } from '@/lib/format.js';
import { streamStore } from '@/lib/streamStore.js';
import websocketService from '@/lib/websocket.js';

/** @typedef {import('@/lib/types.js').Quote} Quote */

/**
 * Symbol and price on the tab. It is read most while the tab is hidden, when the store rests, so it
 * hears the stream itself; where nothing is heard, it shows no price.
 * @param {string | null} symbol
 */
export function useMarketTitle(symbol) {
  const offline = useOffline();
  const decimals = useDecimals(symbol ?? '');

  useEffect(() => {
    /** @param {Quote | undefined} quote */
    const show = (quote) => {
      const known = quote && !quote.stale && !offline;
      const price = known ? ` ${formatPrice(quote.price, decimals)}` : '';
      document.title = titleOf(symbol === null ? 'Markets' : `${symbol}${price}`);
    };
    if (symbol === null) return show(undefined);

    show(streamStore.getState().quotes[symbol]);
    const stopHearing = websocketService.observe((event, payload) => {
      if (event === 'market_update' && payload[symbol]) show(payload[symbol]);
    });
    const stopReading = streamStore.subscribe((state, before) => {
      if (state.marketData[symbol] !== before.marketData[symbol]) show(state.marketData[symbol]);
    });
    // Without an account a hidden tab asks for nothing.
    const onVisibility = () => {
      if (document.hidden && !websocketService.isConnected()) show(undefined);
    };
    document.addEventListener('visibilitychange', onVisibility);
    return () => {
      stopHearing();
      stopReading();
      document.removeEventListener('visibilitychange', onVisibility);
    };
  }, [symbol, decimals, offline]);
}
