/** Numbers and durations as the page shows them: US dollars, in the browser's locale. */

/** @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/** @param {Intl.NumberFormatOptions} options */
function numberFormat(options) {
  const key = `${globalThis.navigator?.languages?.[0]} ${JSON.stringify(options)}`;
  const format = formats.get(key) ?? new Intl.NumberFormat(locales(), options);
  formats.set(key, format);
  return format;
}

/**
 * @returns {string[]} What the visitor reads, the favourite first; none that `Intl` would refuse, as
 *   the `C` that WebKit gives where the system has no language.
 */
export const locales = () => (globalThis.navigator?.languages ?? []).filter(isLanguage);

/** @param {string} tag */
function isLanguage(tag) {
  try {
    return Intl.getCanonicalLocales(tag).length > 0;
  } catch {
    return false;
  }
}

/** @param {number} digits After the decimal sign. */
const decimalFormat = (digits) =>
  numberFormat({ minimumFractionDigits: digits, maximumFractionDigits: digits });

/** Shown in place of a number that is not known. */
export const UNKNOWN = '–';

/** More digits of a price than this say nothing: at a billion dollars a cent is no news. */
const SIGNIFICANT_MAX = 9;
/** What `Intl` can show after the decimal sign. */
const DECIMALS_MAX = 100;
/** So many zeros after the decimal sign can't be told from one more or less at a glance. */
const ZEROS_COUNTED_FROM = 4;
const SUBSCRIPTS = '₀₁₂₃₄₅₆₇₈₉';

/**
 * @param {number} value Not 0.
 * @returns {number} The power of ten of its first digit: 0 for 1 to 9.99, -2 for 0.01.
 */
const magnitudeOf = (value) => Math.floor(Math.log10(Math.abs(value)));

/**
 * Decimals for a symbol whose own are not known: about five significant digits.
 * @param {number} price Or another number of any size, of which the sign does not count.
 * @param {number} [significant] How many digits instead.
 * @returns {number}
 */
export function decimalsFor(price, significant = 5) {
  if (!price || !Number.isFinite(price)) return 2;
  return Math.min(DECIMALS_MAX, Math.max(2, significant - 1 - magnitudeOf(price)));
}

/**
 * A price with the decimals of its symbol, as far as they say something. Zeros after the decimal
 * sign are counted where there are many: 0.0₁₀452 is 0.0000000000452.
 * @param {number | undefined | null} price
 * @param {number} [decimals]
 */
export function formatPrice(price, decimals) {
  if (price === undefined || price === null || !Number.isFinite(price)) return UNKNOWN;
  const wanted = decimals ?? decimalsFor(price);
  const magnitude = price === 0 ? 0 : magnitudeOf(price);
  const digits = Math.min(wanted, Math.max(0, SIGNIFICANT_MAX - 1 - magnitude));
  const text = withMinus(decimalFormat(digits).format(price));
  return magnitude < -ZEROS_COUNTED_FROM ? countZeros(text) : text;
}

/**
 * @param {string} text A number under 0.0001, as `decimalFormat` writes it.
 * @returns {string} With its zeros counted, but for a number that its decimals make 0.
 */
function countZeros(text) {
  const nought = decimalFormat(1).format(0);
  const zero = nought[0];
  const [whole, fraction = ''] = text.split(nought[1]);
  const zeros = [...fraction].findIndex((digit) => digit !== zero);
  if (zeros < ZEROS_COUNTED_FROM) return text;
  const count = [...String(zeros)].map((digit) => SUBSCRIPTS[Number(digit)]).join('');
  return `${whole}${nought[1]}${zero}${count}${fraction.slice(zeros)}`;
}

/**
 * The same for a voice, which would read 0.0₄1 as something else.
 * @param {number | undefined | null} price
 * @param {number} [decimals]
 */
export function speakPrice(price, decimals) {
  if (!price || !Number.isFinite(price)) return formatPrice(price, decimals);
  return magnitudeOf(price) < -ZEROS_COUNTED_FROM
    ? numberFormat({ notation: 'scientific', maximumSignificantDigits: 6 }).format(price)
    : formatPrice(price, decimals);
}

/** @param {number} digits After the decimal sign. */
const signedFormat = (digits) =>
  numberFormat({
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
    signDisplay: 'exceptZero',
  });

/** @param {string} text A number, whose minus is to be as wide as a plus. */
const withMinus = (text) => text.replace('-', '−');

/** From here on the decimals of a change say nothing. */
const LARGE_CHANGE = 1000;

/** @param {number | undefined | null} change Per cent. */
export function formatChange(change) {
  if (change === undefined || change === null || !Number.isFinite(change)) return UNKNOWN;
  const digits = Math.abs(change) < LARGE_CHANGE ? 2 : 0;
  return withMinus(`${signedFormat(digits).format(change)} %`);
}

/** @param {number} score -1 to 1. */
export const formatScore = (score) => withMinus(signedFormat(2).format(score));

const twoDigits = () => numberFormat({ maximumSignificantDigits: 2 });

/** From here on hundredths of a per cent are counted by the hundred. */
const PER_CENT_BP = 100;
/** What is less says no more. */
const LEAST_BP = 0.001;

/**
 * A small share of a price: 0.00012 is 1.2 bp, hundredths of a per cent; 0.034 is 3.4 %.
 * @param {number} share
 */
export function formatBasisPoints(share) {
  const points = share * 10_000;
  if (points >= PER_CENT_BP) return `${twoDigits().format(share * 100)} %`;
  if (points > 0 && points < LEAST_BP) return `< ${twoDigits().format(LEAST_BP)} bp`;
  return `${twoDigits().format(points)} bp`;
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
  return `${decimalFormat(digits).format(share * 100)} %`;
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
 * The time that figures of "24 hours" stand for, which is less while there is less.
 * @param {number | undefined | null} seconds Unknown counts as the whole day.
 */
export function formatSpan(seconds) {
  if (seconds === undefined || seconds === null || seconds >= 86_400) return '24 h';
  if (seconds < 2 * 3600) return `${Math.max(1, Math.floor(seconds / 60))} min`;
  return `${Math.floor(seconds / 3600)} h`;
}

/**
 * A constant's name as words: `EXTREME_FEAR` becomes `Extreme fear`.
 * @param {string} name
 */
export function humanise(name) {
  const words = name.replaceAll('_', ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
