/** Numbers and times as the page shows them. US dollars, 24 h clock of the visitor's own zone. */

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/** @param {Intl.NumberFormatOptions} options */
function numberFormat(options) {
  const key = JSON.stringify(options);
  const format = formats.get(key) ?? new Intl.NumberFormat('en-US', options);
  formats.set(key, format);
  return format;
}

/** Shown in place of a number that is not known. */
export const UNKNOWN = '–';

/**
 * Decimals for a symbol whose own are not known: about five significant digits.
 * @param {number} price
 * @returns {number}
 */
export function decimalsFor(price) {
  if (!(price > 0)) return 2;
  return Math.min(8, Math.max(2, 4 - Math.floor(Math.log10(price))));
}

/**
 * @param {number | undefined | null} price
 * @param {number} [decimals]
 */
export function formatPrice(price, decimals) {
  if (price === undefined || price === null || !Number.isFinite(price)) return UNKNOWN;
  const digits = decimals ?? decimalsFor(price);
  return numberFormat({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(
    price,
  );
}

/** @param {number | undefined | null} change Per cent. */
export function formatChange(change) {
  if (change === undefined || change === null || !Number.isFinite(change)) return UNKNOWN;
  return `${numberFormat({
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
    signDisplay: 'exceptZero',
  }).format(change)} %`.replace('-', '−');
}

/** @param {number | undefined | null} amount */
export function formatCompact(amount) {
  if (amount === undefined || amount === null || !Number.isFinite(amount)) return UNKNOWN;
  return numberFormat({
    notation: 'compact',
    minimumSignificantDigits: 4,
    maximumSignificantDigits: 4,
  }).format(amount);
}

/**
 * @param {number} share 0 to 1.
 * @param {number} [digits]
 */
export function formatShare(share, digits = 0) {
  return `${numberFormat({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(
    share * 100,
  )} %`;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * How long ago, coarse enough to change seldom.
 * @param {number} elapsedMs
 */
export function formatAge(elapsedMs) {
  if (elapsedMs < 5 * SECOND) return 'now';
  if (elapsedMs < MINUTE) return `${Math.floor(elapsedMs / (5 * SECOND)) * 5} s`;
  if (elapsedMs < HOUR) return `${Math.floor(elapsedMs / MINUTE)} min`;
  if (elapsedMs < DAY) return `${Math.floor(elapsedMs / HOUR)} h`;
  return `${Math.floor(elapsedMs / DAY)} d`;
}

/**
 * A constant's name as words: `EXTREME_FEAR` becomes `Extreme fear`.
 * @param {string} name
 */
export function humanise(name) {
  const words = name.replaceAll('_', ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
