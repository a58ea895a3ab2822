/**
 * The last 24 hours of each symbol, for the table's small lines. Asked for row by row as rows come
 * into view, a few at a time, and kept until they are old, or another source's.
 */
import { createStore } from 'zustand/vanilla';
import { getCandles } from '@/lib/api.js';

const AT_ONCE = 3;
const INTERVAL = '1h';
const POINTS = 24;
const OLD_AFTER_MS = 30 * 60_000;
/** A symbol whose history could not be had is asked for again after this. */
const RETRY_MS = 30_000;

export const sparklines = createStore(/** @returns {Record<string, number[]>} */ () => ({}));

/** @type {Map<string, { at: number, source?: string }>} When each was asked for, epoch in ms. */
const asked = new Map();
/** @type {string[]} */
const queue = [];
let running = 0;

/**
 * @param {string} symbol
 * @param {string} [source] Whose prices it has now; not known before the first one.
 */
export function wantSparkline(symbol, source) {
  const last = asked.get(symbol);
  const same = !last?.source || last.source === source;
  if (last && same && Date.now() - last.at < OLD_AFTER_MS) {
    last.source = source;
    return;
  }
  asked.set(symbol, { at: Date.now(), source });
  queue.push(symbol);
  work();
}

function work() {
  while (running < AT_ONCE && queue.length > 0) {
    const symbol = /** @type {string} */ (queue.shift());
    running += 1;
    void fetchOne(symbol).finally(() => {
      running -= 1;
      work();
    });
  }
}

/** @param {string} symbol */
async function fetchOne(symbol) {
  try {
    const { candles } = await getCandles(symbol, INTERVAL, POINTS);
    sparklines.setState({ [symbol]: candles.map(({ close }) => close) });
  } catch (error) {
    console.warn(`The history of ${symbol} could not be loaded`, error);
    asked.set(symbol, { at: Date.now() - OLD_AFTER_MS + RETRY_MS });
  }
}
