const MINUTE = 60_000;

/** What a candle may span, in ms. */
const INTERVAL_MS = /** @type {Record<string, number>} */ ({
  '1m': MINUTE,
  '5m': 5 * MINUTE,
  '15m': 15 * MINUTE,
  '1h': 60 * MINUTE,
  '4h': 240 * MINUTE,
  '1d': 1440 * MINUTE,
});

/** The candles that a signal rates which does not say. */
const SIGNAL_INTERVAL = '1m';

export const INTERVALS = Object.keys(INTERVAL_MS);

/**
 * @param {import('@/lib/types.js').TradingSignal | undefined} signal
 * @returns {string} Whose candles it rates; on others it would be out of place.
 */
export const intervalRated = (signal) => signal?.timeframe ?? SIGNAL_INTERVAL;

/**
 * @param {string} interval
 * @returns {number} Milliseconds.
 */
export const spanOf = (interval) => INTERVAL_MS[interval];

/**
 * @param {number} time Epoch in ms.
 * @param {string} interval
 * @returns {number} The opening of the candle that holds it, epoch in ms.
 */
export function openingOf(time, interval) {
  return time - (time % INTERVAL_MS[interval]);
}
