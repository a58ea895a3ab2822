/**
 * The market without an account: the public REST calls, polled, fed into the same store as the
 * stream. `frontend/README.md` says why this and not a guest account.
 */
import { createStore } from 'zustand/vanilla';
import { getQuotes, getSentiment, getSignals } from './api.js';
import { marketInfo, reloadMarketInfo } from './marketInfo.js';
import { streamStore } from './streamStore.js';
import { symbolBatches } from './symbols.js';

/** As often as the stream's own events come. */
const QUOTES_MS = 2_000;
const SENTIMENT_MS = 10_000;
const SIGNALS_MS = 15_000;
const SIGNALS_LIMIT = 50;

const STORAGE_KEY = 'crs.preview';

export const preview = createStore(
  /** @returns {{ active: boolean, reachable: boolean }} */ () => ({
    active: sessionStorage.getItem(STORAGE_KEY) === '1',
    reachable: true,
  }),
);

/** @param {boolean} active */
export function setPreview(active) {
  if (active) sessionStorage.setItem(STORAGE_KEY, '1');
  else sessionStorage.removeItem(STORAGE_KEY);
  preview.setState({ active });
}

async function pollQuotes() {
  const symbols = marketInfo.getState().symbols.map(({ symbol }) => symbol);
  for (const batch of symbolBatches(symbols)) {
    const { quotes } = await getQuotes(batch);
    streamStore.ingest('market_update', quotes);
    if (Object.values(quotes).some(isOfAnother)) reloadMarketInfo();
  }
}

/**
 * Whether a quote tells that another source leads than is known: those of no leader are stale.
 * @param {import('./types.js').Quote} quote
 */
const isOfAnother = ({ source, stale }) =>
  source !== undefined && !stale && source !== marketInfo.getState().feed;

async function pollSentiment() {
  const { latest } = await getSentiment();
  if (latest) streamStore.ingest('sentiment_update', latest);
}

async function pollSignals() {
  const { signals } = await getSignals({ limit: SIGNALS_LIMIT });
  for (const signal of signals.reverse()) streamStore.ingest('trading_signal', signal);
}

/**
 * Poll until told to stop. Hidden tabs don't ask.
 * @returns {() => void} Stops it.
 */
export function startPreview() {
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  const timers = new Set();
  let stopped = false;

  /**
   * @param {() => Promise<void>} task
   * @param {number} interval
   */
  async function loop(task, interval) {
    if (stopped) return;
    if (!document.hidden) {
      try {
        await task();
        if (!preview.getState().reachable) streamStore.ingest('resumed', { recovered: false });
        preview.setState({ reachable: true });
      } catch (error) {
        preview.setState({ reachable: false });
        console.warn('The market could not be asked; trying again', error);
      }
    }
    if (stopped) return;
    const timer = setTimeout(() => {
      timers.delete(timer);
      void loop(task, interval);
    }, interval);
    timers.add(timer);
  }

  void loop(pollSentiment, SENTIMENT_MS);
  void loop(pollSignals, SIGNALS_MS);
  const stopWaiting = whenLoaded(() => void loop(pollQuotes, QUOTES_MS));
  return () => {
    stopped = true;
    // Whoever does not ask can't say that there is no answer.
    preview.setState({ reachable: true });
    stopWaiting();
    for (const timer of timers) clearTimeout(timer);
  };
}

/** @param {() => void} callback Called as soon as the list of symbols is there. */
function whenLoaded(callback) {
  if (marketInfo.getState().loaded) {
    callback();
    return () => {};
  }
  const stop = marketInfo.subscribe(({ loaded }) => {
    if (!loaded) return;
    stop();
    callback();
  });
  return stop;
}
