import { useCallback, useEffect, useRef, useState } from 'react';
import { useStore } from 'zustand';
import { useOffline } from '@/hooks/useOffline.js';
import { useHistory } from '@/hooks/useRequest.js';
import { getSignals } from '@/lib/api.js';
import { preferences } from '@/lib/preferences.js';
import { streamStore } from '@/lib/streamStore.js';
import { ChartLegend } from './ChartLegend.jsx';
import { ChartNotice } from './ChartNotice.jsx';
import { ChartView } from './chartView.js';
import { intervalRated } from './intervals.js';
import { useCandles } from './useCandles.js';
import { usePriceTag } from './usePriceTag.js';
import './Chart.css';

const SIGNALS = 200;
/** What of the system the colours depend on. */
const SYSTEM_COLOURS = ['(prefers-color-scheme: dark)', '(forced-colors: active)'];
const STEPS = /** @type {Record<string, number>} */ ({
  ArrowLeft: -1,
  ArrowRight: 1,
  PageUp: -10,
  PageDown: 10,
  Home: -Infinity,
  End: Infinity,
});
const ZOOMS = /** @type {Record<string, 1 | -1>} */ ({ '+': 1, '=': 1, '-': -1 });

/** @typedef {import('./bars.js').Bar} Bar */

/**
 * Candles of one symbol, live.
 * @param {{ symbol: string, interval: string }} props
 */
export default function Chart({ symbol, interval }) {
  const container = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [view, setView] = useState(/** @type {ChartView | null} */ (null));
  const [pointed, setPointed] = useState(/** @type {Bar | null} */ (null));
  const [atNow, setAtNow] = useState(true);

  useEffect(() => {
    if (!container.current) return;
    const created = new ChartView(container.current);
    created.reader.onRead(setPointed);
    created.onScroll(setAtNow);
    setView(created);
    return () => created.destroy();
  }, []);

  useTheme(view);
  const offline = useOffline();
  const { last, state } = useCandles(view, symbol, interval);
  usePriceTag(view, symbol, offline);
  useSignals(view, symbol, interval);
  const overlays = useStore(preferences, (state) => state.overlays);
  useEffect(() => {
    view?.setOverlays(overlays);
  }, [view, overlays]);

  /** @param {import('react').KeyboardEvent} event */
  function onKeyDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { key } = event;
    if (key in STEPS) {
      view?.reader.move(STEPS[key]);
    } else if (key in ZOOMS) {
      view?.zoom(ZOOMS[key]);
    } else if (key === 'Escape') {
      view?.reader.clear();
    } else {
      return;
    }
    event.preventDefault();
  }

  function goToNow() {
    view?.goToNow();
    // The button goes away.
    container.current?.focus();
  }

  const stale = last !== null && (offline || state === 'unreachable' || state === 'empty');
  return (
    <div className="chart" data-stale={stale}>
      <ChartLegend
        symbol={symbol}
        bar={pointed ?? last}
        announce={pointed !== null}
        overlays={overlays}
      />
      <div className="chart-frame">
        {/* An application: keys move the crosshair and the view. */}
        {/* eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions */}
        <div
          ref={container}
          id="chart"
          className="chart-canvas"
          role="application"
          aria-label={`${symbol} candles of ${interval}. Left and right arrow keys read them one by one, page keys ten by ten, Home and End go to the first and the last; plus and minus zoom.`}
          aria-busy={state === 'loading'}
          // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex
          tabIndex={0}
          onKeyDown={onKeyDown}
          onBlur={() => view?.reader.clear()}
        />
        <ChartNotice state={state} shown={last !== null} offline={offline} />
        {last && !atNow && (
          <button type="button" className="button chart-now" onClick={goToNow}>
            To now<span aria-hidden="true"> ⇥</span>
          </button>
        )}
      </div>
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
 * Mark the symbol's signals that rate these candles, those of before and those that come.
 * @param {ChartView | null} view
 * @param {string} symbol
 * @param {string} interval
 */
function useSignals(view, symbol, interval) {
  const call = useCallback(
    (/** @type {AbortSignal} */ signal) => getSignals({ symbol, limit: SIGNALS, signal }),
    [symbol],
  );
  const { data } = useHistory(call);
  useEffect(() => {
    if (data) streamStore.addHistory(data.signals);
  }, [data]);
  useEffect(() => {
    if (!view) return;
    const draw = () => {
      const all = streamStore.getState().signalHistory;
      view.setSignals(
        all.filter((signal) => signal.symbol === symbol && intervalRated(signal) === interval),
      );
    };
    draw();
    return streamStore.subscribe((state, before) => {
      if (state.signalHistory !== before.signalHistory) draw();
    });
  }, [view, symbol, interval]);
}
