export const MINUTE = 60_000;

/**
 * A candle of one minute.
 * @param {number} minute Of its opening.
 */
export const bar = (minute, close = 10) => ({
  time: minute * MINUTE,
  open: 10,
  high: 12,
  low: 9,
  close,
  volume: 3,
});
