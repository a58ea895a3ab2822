/** Overlays of the chart, over closing prices. Each has the length of its input. */

/**
 * Simple moving average; null until `period` values have come.
 * @param {number[]} values
 * @param {number} period
 * @returns {(number | null)[]}
 */
export function movingAverage(values, period) {
  let sum = 0;
  return values.map((value, index) => {
    sum += value;
    if (index >= period) sum -= values[index - period];
    return index >= period - 1 ? sum / period : null;
  });
}

/**
 * Bollinger bands: the moving average, and `width` population standard deviations above and below
 * (J. Bollinger, Bollinger on Bollinger Bands, 2001).
 * @param {number[]} values
 * @param {number} period
 * @param {number} width
 * @returns {({ upper: number, lower: number } | null)[]}
 */
export function bollingerBands(values, period, width) {
  return movingAverage(values, period).map((mean, index) => {
    if (mean === null) return null;
    const window = values.slice(index - period + 1, index + 1);
    const variance = window.reduce((sum, value) => sum + (value - mean) ** 2, 0) / period;
    const spread = width * Math.sqrt(variance);
    return { upper: mean + spread, lower: mean - spread };
  });
}
