import { useCallback, useEffect, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { useDecimals } from '@/hooks/useMarketInfo.js';
import { useConnection } from '@/hooks/useWebSocket.js';
import { getCandles, getSignals } from '@/lib/api.js';
import { decimalsFor, formatChange, formatCompact, formatPrice } from '@/lib/format.js';
import { preferences } from '@/lib/preferences.js';
import { streamStore } from '@/lib/streamStore.js';
import { barOf, growBar, mergeBars } from './bars.js';
import { AVERAGE_PERIODS, BOLLINGER, ChartView } from './chartView.js';
import './Chart.css';

const CANDLES = 500;
/** The live price grows the last candle; its volume, and what was missed, come from the server. */
const RECONCILE_MS = 10_000;
const RECONCILE_CANDLES = 5;
const SIGNALS = 200;
/** A canvas is drawn anew as a whole, so the last candle moves a little less often than the price. */
const DRAW_EVERY_MS = 250;

/** @typedef {import('./bars.js').Bar} Bar */

/**
 * Candles of one symbol, live.
 * @param {{ symbol: string, interval: string }} props
 */
export default function Chart({ symbol, interval }) {
  const container = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [view, setView] = useState(/** @type {ChartView | null} */ (null));
  const [pointed, setPointed] = useState(/** @type {Bar | null} */ (null));

  useEffect(() => {
    if (!container.current) return;
    const created = new ChartView(container.current);
    created.onCrosshair(setPointed);
    setView(created);
    return () => created.destroy();
  }, []);

  useTheme(view);
  const { last, problem } = useLiveBars(view, symbol, interval);
  useSignals(view, symbol);
  const overlays = useStore(preferences, (state) => state.overlays);
  useEffect(() => view?.setOverlays(overlays), [view, overlays]);

  /** @param {import('react').KeyboardEvent} event */
  function onKeyDown(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10 }[event.key];
    if (step !== undefined) {
      event.preventDefault();
      setPointed(view?.moveCrosshair(step) ?? null);
    } else if (event.key === 'Escape') {
      stopReading();
    }
  }

  function stopReading() {
    view?.clearCrosshair();
    setPointed(null);
  }

  return (
    <div className="chart">
      <Legend
        symbol={symbol}
        bar={pointed ?? last}
        announce={pointed !== null}
        overlays={overlays}
      />
      {/* An application: the arrow keys move the crosshair. */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
      <div
        ref={container}
        className="chart-canvas"
        role="application"
        aria-label={`${symbol} candles of ${interval}. Left and right arrow keys read them one by one.`}
        // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
        tabIndex={0}
        onKeyDown={onKeyDown}
        onBlur={stopReading}
      />
      {problem && <p className="chart-problem">{problem}</p>}
    </div>
  );
}

/** @param {ChartView | null} view */
function useTheme(view) {
  useEffect(() => {
    if (!view) return;
    const system = matchMedia('(prefers-color-scheme: dark)');
    const apply = () => view.applyTheme();
    system.addEventListener('change', apply);
    const stop = preferences.subscribe((state, before) => {
      // The attribute that the stylesheet reads is set by another subscriber, in this same turn.
      if (state.theme !== before.theme) queueMicrotask(apply);
    });
    return () => {
      system.removeEventListener('change', apply);
      stop();
    };
  }, [view]);
}

/**
 * Load the candles, let the live price grow the last one, and fetch the last ones again now and
 * then. After a lost connection everything is loaded anew.
 *
 * @param {ChartView | null} view
 * @param {string} symbol
 * @param {string} interval
 */
function useLiveBars(view, symbol, interval) {
  const [last, setLast] = useState(/** @type {Bar | null} */ (null));
  const [problem, setProblem] = useState(/** @type {string | null} */ (null));
  const decimals = useDecimals(symbol);
  const connected = useConnection((state) => state.phase === 'connected');

  useEffect(() => {
    const known = decimals ?? (last ? decimalsFor(last.close) : undefined);
    if (known !== undefined) view?.setPrecision(known);
  }, [view, decimals, last]);

  const load = useCallback(
    /**
     * @param {number} count
     * @param {AbortSignal} signal
     */
    async (count, signal) => {
      const { candles } = await getCandles(symbol, interval, count, signal);
      return candles.map(barOf);
    },
    [symbol, interval],
  );

  useEffect(() => {
    if (!view) return;
    const abort = new AbortController();
    /** @type {Bar[]} */
    let bars = [];
    view.setBars([]);
    setLast(null);
    setProblem(null);

    /** @param {boolean} whole */
    async function refresh(whole) {
      try {
        const fresh = await load(whole ? CANDLES : RECONCILE_CANDLES, abort.signal);
        if (abort.signal.aborted) return;
        // A gap between both means that the page slept: only the whole history closes it.
        const gap =
          !whole &&
          fresh.length > 0 &&
          bars.length > 0 &&
          fresh[0].time > bars[bars.length - 1].time;
        if (gap) return void refresh(true);
        bars = whole ? fresh : mergeBars(bars, fresh).slice(-2 * CANDLES);
        view?.setBars(bars, { rewind: whole });
        setLast(bars[bars.length - 1] ?? null);
        setProblem(bars.length === 0 ? 'No candles of this interval yet.' : null);
      } catch (error) {
        if (abort.signal.aborted) return;
        console.warn('Candles could not be loaded; trying again', error);
        if (bars.length === 0) setProblem('The candles could not be loaded; trying again.');
      }
    }

    void refresh(true);
    const timer = setInterval(() => {
      if (!document.hidden) void refresh(bars.length === 0);
    }, RECONCILE_MS);

    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let drawing;
    function draw() {
      clearTimeout(drawing);
      drawing = undefined;
      const bar = bars[bars.length - 1];
      view?.updateBar(bar);
      setLast(bar);
    }

    const stop = streamStore.subscribe((state, before) => {
      const quote = state.quotes[symbol];
      if (!quote || quote === before.quotes[symbol] || bars.length === 0) return;
      const bar = growBar(
        bars[bars.length - 1],
        quote.price,
        Date.parse(quote.timestamp),
        interval,
      );
      if (!bar) return;
      if (bar.time > bars[bars.length - 1].time) {
        draw(); // the last word of the candle that is closed now
        bars.push(bar);
      } else {
        bars[bars.length - 1] = bar;
      }
      drawing ??= setTimeout(draw, DRAW_EVERY_MS);
    });

    return () => {
      abort.abort();
      clearInterval(timer);
      clearTimeout(drawing);
      stop();
    };
  }, [view, load, symbol, interval, connected]);

  return { last, problem };
}

/**
 * Mark the symbol's signals, those of before and those that come.
 * @param {ChartView | null} view
 * @param {string} symbol
 */
function useSignals(view, symbol) {
  useEffect(() => {
    if (!view) return;
    const abort = new AbortController();
    const draw = () => {
      const all = streamStore.getState().signalHistory;
      view.setSignals(all.filter((signal) => signal.symbol === symbol));
    };
    draw();
    const stop = streamStore.subscribe((state, before) => {
      if (state.signalHistory !== before.signalHistory) draw();
    });
    getSignals({ symbol, limit: SIGNALS, signal: abort.signal })
      .then(({ signals }) => streamStore.addHistory(signals))
      .catch((error) => {
        if (!abort.signal.aborted) console.warn('Earlier signals could not be loaded', error);
      });
    return () => {
      abort.abort();
      stop();
    };
  }, [view, symbol]);
}

/**
 * @param {{ symbol: string, bar: Bar | null, announce: boolean,
 *   overlays: import('@/lib/preferences.js').Preferences['overlays'] }} props
 */
function Legend({ symbol, bar, announce, overlays }) {
  const decimals = useDecimals(symbol);
  if (!bar) return <div className="legend" />;
  const change = (bar.close / bar.open - 1) * 100;
  const tone = change > 0 ? 'up' : change < 0 ? 'down' : '';
  return (
    <div className="legend">
      <dl aria-live={announce ? 'polite' : 'off'}>
        <Value name="O" label="Open" value={formatPrice(bar.open, decimals)} tone={tone} />
        <Value name="H" label="High" value={formatPrice(bar.high, decimals)} tone={tone} />
        <Value name="L" label="Low" value={formatPrice(bar.low, decimals)} tone={tone} />
        <Value name="C" label="Close" value={formatPrice(bar.close, decimals)} tone={tone} />
        <Value name="" label="Change" value={formatChange(change)} tone={tone} />
        <Value name="Vol" label="Volume" value={formatCompact(bar.volume)} tone="" />
      </dl>
      <p className="legend-overlays">
        {overlays.averages &&
          AVERAGE_PERIODS.map((period, index) => (
            <span key={period} className={`overlay-${index}`}>
              MA {period}
            </span>
          ))}
        {overlays.bollinger && (
          <span className="overlay-band">
            BB {BOLLINGER.period}, {BOLLINGER.width}
          </span>
        )}
      </p>
    </div>
  );
}

/** @param {{ name: string, label: string, value: string, tone: string }} props */
function Value({ name, label, value, tone }) {
  return (
    <div>
      <dt>
        <abbr title={label}>{name}</abbr>
        {name === '' && <span className="visually-hidden">{label}</span>}
      </dt>
      <dd className={tone}>{value}</dd>
    </div>
  );
}
