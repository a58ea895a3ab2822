/** Instants in the visitor's language and zone, or in UTC where that was chosen. */
import { locales } from './format.js';
import { preferences } from './preferences.js';

/** @type {Map<string, Intl.DateTimeFormat>} */
const formats = new Map();

/** @param {Intl.DateTimeFormatOptions} options */
function dateFormat(options) {
  const timeZone = preferences.getState().utc ? 'UTC' : undefined;
  const key = `${globalThis.navigator?.languages?.[0]} ${timeZone} ${JSON.stringify(options)}`;
  const format = formats.get(key) ?? new Intl.DateTimeFormat(locales(), { ...options, timeZone });
  formats.set(key, format);
  return format;
}

/**
 * Day and time, to the minute.
 * @param {number} ms Epoch.
 */
export const formatMoment = (ms) =>
  dateFormat({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' }).format(ms);

/**
 * Day with its year, and time: of instants that may be long ago.
 * @param {number} ms Epoch.
 */
export const formatInstant = (ms) =>
  dateFormat({ dateStyle: 'medium', timeStyle: 'short' }).format(ms);

/**
 * The time alone of today, with its day of any other.
 * @param {number} ms Epoch.
 * @param {number} now Epoch in ms.
 */
export function formatSince(ms, now) {
  const day = dateFormat({ dateStyle: 'short' });
  return day.format(ms) === day.format(now) ? formatTime(ms) : formatInstant(ms);
}

/**
 * To the second and with its zone, for a title.
 * @param {number} ms Epoch.
 */
export const formatExactly = (ms) =>
  dateFormat({
    year: 'numeric',
    month: 'short',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZoneName: 'short',
  }).format(ms);

/** @param {number} ms Epoch. */
export const formatTime = (ms) => dateFormat({ hour: '2-digit', minute: '2-digit' }).format(ms);

/**
 * To the second.
 * @param {number} ms Epoch.
 */
export const formatClock = (ms) =>
  dateFormat({ hour: '2-digit', minute: '2-digit', second: '2-digit' }).format(ms);

/** @param {number} ms Epoch. */
export const formatDay = (ms) => dateFormat({ day: 'numeric', month: 'short' }).format(ms);

/** @param {number} ms Epoch. */
export const formatMonth = (ms) => dateFormat({ month: 'short' }).format(ms);

/** @param {number} ms Epoch. */
export const formatYear = (ms) => dateFormat({ year: 'numeric' }).format(ms);

/**
 * The zone that times are shown in, as `UTC` or `Europe/Berlin (GMT+2)`.
 * @param {number} ms Epoch, since zones have summers.
 */
export function zoneName(ms) {
  const format = dateFormat({ timeZoneName: 'shortOffset' });
  const { timeZone } = format.resolvedOptions();
  if (timeZone === 'UTC') return timeZone;
  const offset = format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value;
  return `${timeZone} (${offset})`;
}
