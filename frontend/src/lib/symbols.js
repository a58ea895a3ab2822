/** The server takes at most this many symbols in one request. */
const SYMBOLS_PER_REQUEST = 100;

/**
 * @param {string[]} symbols
 * @returns {string[][]} The same, in parts that the server takes.
 */
export function symbolBatches(symbols) {
  const batches = [];
  for (let from = 0; from < symbols.length; from += SYMBOLS_PER_REQUEST) {
    batches.push(symbols.slice(from, from + SYMBOLS_PER_REQUEST));
  }
  return batches;
}

/**
 * @param {string | string[]} symbols
 * @returns {string[]} A single one as a list; a string would else be taken for its letters.
 */
export const listOf = (symbols) => (typeof symbols === 'string' ? [symbols] : symbols);
