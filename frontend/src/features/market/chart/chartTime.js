/** Times as lightweight-charts takes and shows them: epoch in seconds, labels in the zone chosen. */
import { TickMarkType } from 'lightweight-charts';
import { formatDay, formatMoment, formatMonth, formatTime, formatYear } from '@/lib/time.js';

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
  const ms = Number(time) * 1000;
  if (type === TickMarkType.Year) return formatYear(ms);
  if (type === TickMarkType.Month) return formatMonth(ms);
  if (type === TickMarkType.DayOfMonth) return formatDay(ms);
  return formatTime(ms);
}

/** @param {import('lightweight-charts').Time} time */
export const formatMark = (time) => formatMoment(Number(time) * 1000);
