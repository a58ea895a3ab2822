import { useEffect, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { getSignals } from '@/lib/api.js';
import { preferences } from '@/lib/preferences.js';
import { streamStore } from '@/lib/streamStore.js';
import { ChartLegend } from './ChartLegend.jsx';
import { ChartView } from './chartView.js';
import { SIGNAL_INTERVAL } from './intervals.js';
import { useCandles } from './useCandles.js';
import './Chart.css';

const SIGNALS = 200;
/** What of the system the colours depend on. */
const SYSTEM_COLOURS = ['(prefers-color-scheme: dark)', '(forced-colors: active)'];

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
  const { last, problem } = useCandles(view, symbol, interval);
  useSignals(view, symbol);
  const overlays = useStore(preferences, (state) => state.overlays);
  useEffect(() => {
    view?.setOverlays({ ...overlays, signals: overlays.signals && interval === SIGNAL_INTERVAL });
  }, [view, overlays, interval]);

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
      <ChartLegend
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
    const apply = () => view.applyTheme();
    const system = SYSTEM_COLOURS.map((query) => matchMedia(query));
    for (const list of system) list.addEventListener('change', apply);
    const stop = preferences.subscribe((state, before) => {
      const same = state.theme === before.theme && state.colours === before.colours;
      // The attributes that the stylesheet reads are set by another subscriber, in this same turn.
      if (!same || state.utc !== before.utc) queueMicrotask(apply);
    });
    return () => {
      for (const list of system) list.removeEventListener('change', apply);
      stop();
    };
  }, [view]);
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
