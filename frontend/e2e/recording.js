/** Recordings made for a test: candles of any prices, as `MARKET_FEED=replay:<path>` plays them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MINUTE = 60_000;
/** Half of the spread, in parts of the price. */
const HALF_SPREAD = 1e-4;

/**
 * @param {Record<string, number>} prices By symbol, of the first candle; each goes up and down by a
 *   per cent or so.
 * @param {{ minutes: number, start?: number, book?: boolean }} options `start` is an epoch in ms;
 *   `book` whether there is an order book.
 * @returns {{ path: string, remove: () => void }} A directory.
 */
export function makeRecording(prices, { minutes, start = Date.UTC(2021, 1, 1), book = false }) {
  const path = mkdtempSync(join(tmpdir(), 'crs-recording-'));
  /** @type {[number, object][]} */
  const frames = [[start, { recording: 1, feed: 'made up', symbols: Object.keys(prices) }]];
  Object.entries(prices).forEach(([symbol, first], index) => {
    const lines = ['open_time_ms,open,high,low,close,volume'];
    let open = first;
    for (let minute = 0; minute < minutes; minute += 1) {
      const close = first * (1 + 0.01 * Math.sin((minute + 7 * index) / (5 + index)));
      const [low, high] = [Math.min(open, close) * 0.9995, Math.max(open, close) * 1.0005];
      const time = start + minute * MINUTE;
      lines.push([time, open, high, low, close, 1e6 / first].join(','));
      const [bid, ask] = [close * (1 - HALF_SPREAD), close * (1 + HALF_SPREAD)];
      frames.push([time, { type: 'book', symbol, bid, ask }]);
      open = close;
    }
    writeFileSync(join(path, `${symbol}-USD-1m.csv`), `${lines.join('\n')}\n`);
  });
  if (book) {
    frames.sort(([one], [other]) => one - other);
    const lines = frames.map(([time, frame]) => `${time}000000 ${JSON.stringify(frame)}\n`);
    writeFileSync(join(path, 'book.txt'), lines.join(''));
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
