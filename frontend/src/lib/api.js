/**
 * The REST face. Errors have one shape, `{error: {code, message, fields?}}`, thrown as `ApiError`.
 */

export class ApiError extends Error {
  /**
   * @param {number} status HTTP status; 0 when the server could not be reached.
   * @param {{ code?: string, message?: string, fields?: Record<string, string | string[]> }} error
   */
  constructor(status, { code = 'unknown', message = 'The request failed', fields = {} } = {}) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = code;
    /** @type {Record<string, string>} The first complaint about each field. */
    this.fields = Object.fromEntries(
      Object.entries(fields).map(([name, text]) => [name, Array.isArray(text) ? text[0] : text]),
    );
  }
}

/**
 * @param {string} path
 * @param {{ method?: string, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal,
 *   keepalive?: boolean }} [options] `keepalive` lets the request outlive the page.
 * @returns {Promise<any>}
 */
export async function request(
  path,
  { method = 'GET', body, headers = {}, signal, keepalive = false } = {},
) {
  let response;
  try {
    response = await fetch(path, {
      method,
      signal,
      keepalive,
      credentials: 'same-origin',
      headers: body === undefined ? headers : { 'Content-Type': 'application/json', ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, { code: 'unreachable', message: 'The server could not be reached' });
  }
  // A proxy's error page, or an empty answer, is no JSON.
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new ApiError(response.status, answer?.error);
  return answer;
}

/**
 * @typedef {import('./types.js').SymbolInfo} SymbolInfo
 * @typedef {import('./types.js').Candle} Candle
 */

/**
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ symbols: SymbolInfo[], feed?: string,
 *   feed_status?: import('./types.js').FeedStatus }>}
 */
export const getSymbols = (signal) => request('/api/market/symbols', { signal });

/**
 * @param {string} text
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ symbols: SymbolInfo[] }>} Of all that the feed lists.
 */
export const searchSymbols = (text, signal) =>
  request(`/api/market/symbols?search=${encodeURIComponent(text)}`, { signal });

/**
 * @param {string} symbol
 * @param {string} token
 * @returns {Promise<SymbolInfo>} Which may be subscribed to from now on.
 */
export const addSymbol = (symbol, token) =>
  request('/api/market/symbols', {
    method: 'POST',
    body: { symbol },
    headers: { Authorization: `Bearer ${token}` },
  });

/**
 * @param {string[]} symbols
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ quotes: import('./types.js').MarketData }>}
 */
export const getQuotes = (symbols, signal) =>
  request(`/api/market/quotes?symbols=${symbols.join(',')}`, { signal });

/**
 * @param {string} symbol
 * @param {string} interval
 * @param {number} limit
 * @param {{ before?: number, signal?: AbortSignal }} [options] `before`: of those that open before
 *   it, epoch in ms.
 * @returns {Promise<{ candles: Candle[] }>}
 */
export function getCandles(symbol, interval, limit, { before, signal } = {}) {
  const path = `/api/market/candles?symbol=${symbol}&interval=${interval}&limit=${limit}`;
  return request(before === undefined ? path : `${path}&before=${before}`, { signal });
}

/**
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ latest: import('./types.js').Sentiment | null,
 *   history: import('./types.js').Sentiment[], daily?: import('./types.js').DailyIndex | null }>}
 */
export const getSentiment = (signal) => request('/api/sentiment', { signal });

/**
 * @param {{ symbol?: string, limit?: number, signal?: AbortSignal }} [options]
 * @returns {Promise<{ signals: import('./types.js').TradingSignal[] }>}
 */
export const getSignals = ({ symbol, limit = 100, signal } = {}) =>
  request(`/api/signals?limit=${limit}${symbol ? `&symbol=${symbol}` : ''}`, { signal });

/**
 * @param {{ symbol?: string, timeframe: string, signal?: AbortSignal }} options Without a symbol of
 *   all together.
 * @returns {Promise<{ record: import('./types.js').RecordRow[] }>}
 */
export const getSignalRecord = ({ symbol, timeframe, signal }) =>
  request(`/api/signals/record?timeframe=${timeframe}${symbol ? `&symbol=${symbol}` : ''}`, {
    signal,
  });

/**
 * @param {string} symbol
 * @param {AbortSignal} [signal]
 * @returns {Promise<{ symbol: string, ratings: import('./types.js').Ratings }>}
 */
export const getRatings = (symbol, signal) => request(`/api/ratings?symbol=${symbol}`, { signal });

/**
 * @param {AbortSignal} [signal]
 * @returns {Promise<import('./types.js').ForecastReport>}
 */
export const getForecast = (signal) => request('/api/forecast', { signal });
