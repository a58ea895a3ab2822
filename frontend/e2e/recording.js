/** Recordings made for a test: candles of any prices, as `MARKET_FEED=replay:<path>` plays them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MINUTE = 60_000;

/**
 * @param {Record<string, number>} prices By symbol, of the first candle; each goes up and down by a
 *   per cent or so.
 * @param {{ minutes: number, start?: number }} options `start` is an epoch in ms.
 * @returns {{ path: string, remove: () => void }} A directory.
 */
export function makeRecording(prices, { minutes, start = Date.UTC(2021, 1, 1) }) {
  const path = mkdtempSync(join(tmpdir(), 'crs-recording-'));
  Object.entries(prices).forEach(([symbol, first], index) => {
    const lines = ['open_time_ms,open,high,low,close,volume'];
    let open = first;
    for (let minute = 0; minute < minutes; minute += 1) {
      const close = first * (1 + 0.01 * Math.sin((minute + 7 * index) / (5 + index)));
      const [low, high] = [Math.min(open, close) * 0.9995, Math.max(open, close) * 1.0005];
      const time = start + minute * MINUTE;
      lines.push([time, open, high, low, close, 1e6 / first].join(','));
      open = close;
    }
    writeFileSync(join(path, `${symbol}-USD-1m.csv`), `${lines.join('\n')}\n`);
  });
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
