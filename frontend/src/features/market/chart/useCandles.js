import { useEffect, useState } from 'react';
import { useDecimals } from '@/hooks/useMarketInfo.js';
import { useConnection } from '@/hooks/useWebSocket.js';
import { getCandles } from '@/lib/api.js';
import { decimalsFor } from '@/lib/format.js';
import { streamStore } from '@/lib/streamStore.js';
import { barOf } from './bars.js';
import { CandleSeries } from './candleSeries.js';

/** @typedef {import('./bars.js').Bar} Bar */

/**
 * Show the live candles of a symbol in a view. After a lost connection everything is loaded anew.
 *
 * @param {import('./chartView.js').ChartView | null} view
 * @param {string} symbol
 * @param {string} interval
 * @returns {{ last: Bar | null, problem: string | null }} The newest bar, and why there is none.
 */
export function useCandles(view, symbol, interval) {
  const [last, setLast] = useState(/** @type {Bar | null} */ (null));
  const [problem, setProblem] = useState(/** @type {string | null} */ (null));
  const decimals = useDecimals(symbol);
  const connected = useConnection((state) => state.phase === 'connected');

  useEffect(() => {
    const known = decimals ?? (last ? decimalsFor(last.close) : undefined);
    if (known !== undefined) view?.setPrecision(known);
  }, [view, decimals, last]);

  useEffect(() => {
    if (!view) return;
    const series = new CandleSeries({
      interval,
      load: async (count, signal) => {
        const { candles } = await getCandles(symbol, interval, count, signal);
        return candles.map(barOf);
      },
      onBars: (bars, whole) => {
        view.setBars(bars, { rewind: whole });
        setLast(bars[bars.length - 1] ?? null);
      },
      onBar: (bar) => {
        view.updateBar(bar);
        setLast(bar);
      },
      onProblem: setProblem,
    });
    series.start();
    const stop = streamStore.subscribe((state, before) => {
      const quote = state.quotes[symbol];
      if (!quote || quote === before.quotes[symbol]) return;
      series.grow(quote.price, Date.parse(quote.timestamp));
    });
    return () => {
      stop();
      series.stop();
    };
  }, [view, symbol, interval, connected]);

  return { last, problem };
}
