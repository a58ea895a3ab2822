import { useEffect, useState } from 'react';
import { useDecimals } from '@/hooks/useMarketInfo.js';
import { decimalsFor } from '@/lib/format.js';
import { candleStore } from './candleStore.js';

/**
 * @typedef {import('./bars.js').Bar} Bar
 * @typedef {import('./candleSeries.js').SeriesState} SeriesState
 */

const NOTHING = { key: '', last: null };

/**
 * Show the live candles of a symbol in a view.
 *
 * @param {import('./chartView.js').ChartView | null} view
 * @param {string} symbol
 * @param {string} interval
 * @returns {{ last: Bar | null, state: SeriesState }} The newest bar, and how true the candles are.
 */
export function useCandles(view, symbol, interval) {
  const key = `${symbol} ${interval}`;
  const [shown, setShown] = useState(/** @type {{ key: string, last: Bar | null }} */ (NOTHING));
  const [state, setState] = useState(/** @type {SeriesState} */ ('loading'));
  const decimals = useDecimals(symbol);
  const last = shown.key === key ? shown.last : null;

  useEffect(() => {
    const known = decimals ?? (last ? decimalsFor(last.close) : undefined);
    if (known !== undefined) view?.setPrecision(known);
  }, [view, decimals, last]);

  useEffect(() => {
    if (!view) return;
    // Nothing of another symbol may stand under this one's name.
    view.setBars([], { rewind: true });
    let rewind = true;
    view.onNeedOlder(() => candleStore.loadOlder(symbol, interval));
    return candleStore.bind(symbol, interval, {
      onBars(bars) {
        view.setBars(bars, { rewind });
        rewind = false;
        setShown({ key, last: bars[bars.length - 1] });
      },
      onGrowth(bar) {
        view.updateBar(bar);
        setShown({ key, last: bar });
      },
      onState: setState,
    });
  }, [view, symbol, interval, key]);

  return { last, state };
}
