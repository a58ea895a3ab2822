/**
 * What the stream has said so far, for components to read by selector.
 *
 * Events are collected and applied together, at most five times a second, so however many arrive the
 * page renders once. What collects is bounded: quotes and prices by the number of symbols, signals by
 * `SIGNAL_HISTORY`, readings by `SENTIMENT_HISTORY`. A hidden tab does no work beyond collecting.
 */
import { createStore } from 'zustand/vanilla';
import { isHidden, watchPage } from './stream/page.js';
import websocketService from './websocket.js';

/** As many as `tradingSignals` promises. */
const RECENT_SIGNALS = 10;
/** Enough to scroll through; about an hour of a busy market. */
const SIGNAL_HISTORY = 200;
/** Half a day of minutes, which is how often a reading changes. */
const SENTIMENT_HISTORY = 720;

/**
 * @typedef {import('./types.js').Quote} Quote
 * @typedef {import('./types.js').PriceUpdate} PriceUpdate
 * @typedef {import('./types.js').TradingSignal} TradingSignal
 * @typedef {import('./types.js').Sentiment} Sentiment
 *
 * @typedef {object} StreamState
 * @property {import('./types.js').MarketData} marketData Quotes exactly as `market_update` brought them.
 * @property {import('./types.js').MarketData} quotes The same with newer `price_update`s merged in.
 * @property {Sentiment | null} sentimentData
 * @property {Sentiment[]} sentimentHistory The same and older ones from the REST face, oldest first,
 *   each instant once.
 * @property {TradingSignal[]} tradingSignals Received on this connection, newest first, at most 10.
 * @property {TradingSignal[]} signalHistory The same and older ones from the REST face, at most 200.
 * @property {Record<string, TradingSignal>} latestSignals By symbol.
 * @property {number} gaps How often something became known from the REST face only: said while
 *   nobody listened, or another source's.
 * @property {string | null} lastUpdate When data last arrived, ISO 8601.
 */

/** @type {StreamState} */
const EMPTY = {
  marketData: {},
  quotes: {},
  sentimentData: null,
  sentimentHistory: [],
  tradingSignals: [],
  signalHistory: [],
  latestSignals: {},
  gaps: 0,
  lastUpdate: null,
};

/**
 * What comes after a pause is applied at once; in a stream of changes, so often. Symbols change at
 * different moments, so with every frame instead the page would paint sixty times a second for
 * numbers that nobody can read faster.
 */
const APPLY_EVERY_MS = 200;

/**
 * Calls back at most every `APPLY_EVERY_MS`, and not while the tab is hidden, but in the very moment
 * that it is shown. A timer and no animation frame: the chart asks for a frame of its own when it is
 * updated, and so shares the one in which the page is painted.
 * @returns {(callback: () => void) => void}
 */
function pacedWhileVisible() {
  let appliedAt = -Infinity;
  /** @type {(() => void) | null} */
  let waiting = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  function apply() {
    clearTimeout(timer);
    const callback = waiting;
    waiting = null;
    appliedAt = performance.now();
    callback?.();
  }
  watchPage({ onOnline: () => {}, onVisible: apply });
  return function schedule(callback) {
    waiting = callback;
    if (isHidden()) return;
    timer = setTimeout(
      () => isHidden() || apply(),
      Math.max(0, appliedAt + APPLY_EVERY_MS - performance.now()),
    );
  };
}

/**
 * @param {TradingSignal} signal
 * @returns {string}
 */
export function signalKey(signal) {
  return signal.id ?? `${signal.symbol} ${signal.timestamp}`;
}

/**
 * @param {TradingSignal[]} fresh
 * @param {TradingSignal[]} known
 * @param {number} limit
 * @returns {TradingSignal[]} Both, without repetition, newest first.
 */
function mergeSignals(fresh, known, limit) {
  const byKey = new Map();
  for (const signal of [...fresh, ...known]) {
    if (!byKey.has(signalKey(signal))) byKey.set(signalKey(signal), signal);
  }
  return [...byKey.values()]
    .sort((a, b) => Date.parse(b.timestamp) - Date.parse(a.timestamp))
    .slice(0, limit);
}

/**
 * @param {Sentiment[]} known
 * @param {Sentiment[]} fresh Go before what is known of the same instant.
 * @returns {Sentiment[]} Both, oldest first.
 */
function mergeSentiments(known, fresh) {
  const byTime = new Map([...known, ...fresh].map((reading) => [reading.timestamp, reading]));
  return [...byTime.values()]
    .sort((a, b) => Date.parse(a.timestamp) - Date.parse(b.timestamp))
    .slice(-SENTIMENT_HISTORY);
}

/**
 * @param {Record<string, TradingSignal>} latest
 * @param {TradingSignal[]} signals
 */
function mergeLatest(latest, signals) {
  const merged = { ...latest };
  for (const signal of signals) {
    const known = merged[signal.symbol];
    if (!known || Date.parse(signal.timestamp) >= Date.parse(known.timestamp)) {
      merged[signal.symbol] = signal;
    }
  }
  return merged;
}

/**
 * @param {Quote | undefined} known
 * @param {Quote} quote
 * @returns {Quote} The newer of both, by sequence number where there is one.
 */
function newer(known, quote) {
  if (known?.seq !== undefined && quote.seq !== undefined && known.seq > quote.seq) {
    // A server that starts again counts from one again, on a later clock.
    if (Date.parse(known.timestamp) >= Date.parse(quote.timestamp)) {
      return known.stale === quote.stale ? known : { ...known, stale: quote.stale };
    }
  }
  return quote;
}

/** @param {(callback: () => void) => unknown} schedule */
export function createStreamStore(schedule = pacedWhileVisible()) {
  const store = createStore(/** @returns {StreamState} */ () => EMPTY);
  /** @type {Map<string, Quote>} */
  const quotes = new Map();
  /** @type {Map<string, PriceUpdate>} */
  const prices = new Map();
  /** @type {TradingSignal[]} */
  let signals = [];
  /** @type {Sentiment[]} */
  let sentiments = [];
  /** @type {string | null} */
  let receivedAt = null;
  let scheduled = false;
  /** @type {Set<string>} Symbols of whose quotes this connection has said nothing yet. */
  let unheard = new Set();

  /**
   * @param {Quote | undefined} known
   * @param {Quote} quote
   */
  function newest(known, quote) {
    // The server may be another one by now, with numbers and a clock of its own.
    return unheard.delete(quote.symbol) ? quote : newer(known, quote);
  }

  function flush() {
    scheduled = false;
    if (receivedAt === null) return;
    const state = store.getState();
    /** @type {Partial<StreamState>} */
    const change = { lastUpdate: receivedAt };
    if (quotes.size > 0) change.marketData = { ...state.marketData, ...Object.fromEntries(quotes) };
    if (quotes.size > 0 || prices.size > 0) {
      const merged = { ...state.quotes };
      for (const [symbol, quote] of quotes) merged[symbol] = newest(merged[symbol], quote);
      for (const [symbol, update] of prices) {
        const known = merged[symbol];
        // Without a quote there is no volume to show; the snapshot brings one.
        if (!known) continue;
        const { price, change_24h, timestamp, seq } = update;
        merged[symbol] = newest(known, { ...known, price, change_24h, timestamp, seq });
      }
      change.quotes = merged;
    }
    if (sentiments.length > 0) {
      change.sentimentData = sentiments[sentiments.length - 1];
      change.sentimentHistory = mergeSentiments(state.sentimentHistory, sentiments);
    }
    if (signals.length > 0) {
      change.tradingSignals = mergeSignals(signals, state.tradingSignals, RECENT_SIGNALS);
      change.signalHistory = mergeSignals(signals, state.signalHistory, SIGNAL_HISTORY);
      change.latestSignals = mergeLatest(state.latestSignals, signals);
    }
    clearPending();
    store.setState(change);
  }

  function clearPending() {
    quotes.clear();
    prices.clear();
    signals = [];
    sentiments = [];
    receivedAt = null;
  }

  /**
   * Take an event of the stream.
   * @param {string} event
   * @param {any} payload
   */
  function ingest(event, payload) {
    if (event === 'market_update') {
      for (const quote of Object.values(payload)) quotes.set(quote.symbol, quote);
    } else if (event === 'price_update') {
      prices.set(payload.symbol, payload);
    } else if (event === 'sentiment_update') {
      sentiments = mergeSentiments(sentiments, [payload]);
    } else if (event === 'connection_status' && payload.status === 'connected') {
      unheard = new Set(Object.keys(store.getState().quotes));
      // What waits was said before; a snapshot follows.
      quotes.clear();
      prices.clear();
      return;
    } else if (event === 'resumed') {
      if (!payload.recovered) noteGap();
      return;
    } else if (event === 'trading_signal') {
      signals.unshift(payload);
      signals.length = Math.min(signals.length, SIGNAL_HISTORY);
    } else {
      return;
    }
    receivedAt = new Date().toISOString();
    if (!scheduled) {
      scheduled = true;
      schedule(flush);
    }
  }

  function noteGap() {
    store.setState(({ gaps }) => ({ gaps: gaps + 1 }));
  }

  return {
    ...store,
    ingest,
    /** What is shown of the past is to be asked for anew. */
    noteGap,
    /**
     * Fill in older signals that the stream did not bring.
     * @param {TradingSignal[]} older
     */
    addHistory(older) {
      const state = store.getState();
      store.setState({
        signalHistory: mergeSignals(state.signalHistory, older, SIGNAL_HISTORY),
        latestSignals: mergeLatest(mergeLatest({}, older), Object.values(state.latestSignals)),
      });
    },
    /**
     * Fill in older readings likewise.
     * @param {Sentiment[]} older
     */
    addSentiments(older) {
      const { sentimentHistory } = store.getState();
      store.setState({ sentimentHistory: mergeSentiments(older, sentimentHistory) });
    },
    /** Forget everything, as when somebody else signs in; the past is then asked for anew. */
    reset() {
      clearPending();
      store.setState(({ gaps }) => ({ ...EMPTY, gaps: gaps + 1 }));
    },
  };
}

export const streamStore = createStreamStore();

websocketService.observe((event, payload) => streamStore.ingest(event, payload));
