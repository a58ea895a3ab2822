import { useStore } from 'zustand';
import { preferences } from '@/lib/preferences.js';
import {
  formatExactly,
  formatInstant,
  formatMoment,
  formatSince,
  formatTime,
  zoneName,
} from '@/lib/time.js';

/**
 * Something that depends on the zone in which times are shown.
 * @param {() => string} format
 */
const useInZone = (format) => useStore(preferences, format);

/**
 * @param {string} time ISO 8601.
 * @returns {string} To the second, with the zone.
 */
export const useExactTime = (time) => useInZone(() => formatExactly(Date.parse(time)));

/**
 * @param {string} time ISO 8601.
 * @returns {string} Day and time.
 */
export const useInstant = (time) => useInZone(() => formatInstant(Date.parse(time)));

/**
 * @param {string} time ISO 8601.
 * @returns {string} Day and time, without the year.
 */
export const useMoment = (time) => useInZone(() => formatMoment(Date.parse(time)));

/**
 * @param {string} time ISO 8601.
 * @param {number} now Epoch in ms.
 * @returns {string} Time, and the day where it is not today.
 */
export const useSince = (time, now) => useInZone(() => formatSince(Date.parse(time), now));

/**
 * @param {number} ms Epoch.
 * @returns {string} Time of the day.
 */
export const useTime = (ms) => useInZone(() => formatTime(ms));

/**
 * @param {number} ms Epoch.
 * @returns {string} The zone in which times are shown.
 */
export const useZoneName = (ms) => useInZone(() => zoneName(ms));
