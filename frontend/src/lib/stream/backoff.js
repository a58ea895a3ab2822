/**
 * How long to wait before a reconnection attempt: doubling from `base` to `max`, spread by
 * `factor` around that value so that the clients of a restarted server don't return together,
 * and never outside `base`..`max`.
 *
 * @param {number} attempt 0 for the first.
 * @param {{ base: number, max: number, factor: number }} limits Milliseconds, and a share of 0..1.
 * @param {() => number} random In 0..1.
 * @returns {number} Milliseconds.
 */
export function backoffDelay(attempt, { base, max, factor }, random) {
  const centre = Math.min(max, base * 2 ** attempt);
  const low = Math.max(base, centre * (1 - factor));
  const high = Math.min(max, centre * (1 + factor));
  return Math.round(low + random() * Math.max(0, high - low));
}
