/** Times as lightweight-charts takes and shows them: epoch in seconds, labels in the visitor's zone. */
import { TickMarkType } from 'lightweight-charts';

/** @typedef {import('lightweight-charts').UTCTimestamp} UTCTimestamp */

/**
 * @param {number} ms Epoch.
 * @returns {UTCTimestamp}
 */
export const seconds = (ms) => /** @type {UTCTimestamp} */ (ms / 1000);

/**
 * @param {import('lightweight-charts').Time} time
 * @param {TickMarkType} type
 */
export function formatTick(time, type) {
  const date = new Date(Number(time) * 1000);
  if (type === TickMarkType.Year) return String(date.getFullYear());
  if (type === TickMarkType.Month) return date.toLocaleDateString('en-GB', { month: 'short' });
  if (type === TickMarkType.DayOfMonth) {
    return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
  }
  return date.toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });
}

/** @param {import('lightweight-charts').Time} time */
export function formatMoment(time) {
  return new Date(Number(time) * 1000).toLocaleString('en-GB', {
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
}

/** @param {number} ms Epoch. */
export function formatClock(ms) {
  return new Date(ms).toLocaleTimeString('en-GB');
}
