/** A made-up recording for the replay feed: candles of before, then trades, the same each time. */
import { writeFileSync } from 'node:fs';

const MINUTE = 60_000;
const BEGIN = Date.UTC(2024, 0, 2, 10);
const HISTORY_MINUTES = 600;
const TRADED_MINUTES = 1_800;
const TRADE_EVERY_MS = 8_000;

/** @param {number} seed @returns {() => number} In 0..1; enough of chance for a price. */
function randomOf(seed) {
  let state = seed;
  return () => (state = (state * 16_807) % 2_147_483_647) / 2_147_483_647;
}

/**
 * @param {string} path
 * @param {string[]} symbols
 */
export function writeRecording(path, symbols) {
  /** @type {{ at: number, event: object }[]} */
  const lines = [{ at: BEGIN, event: { recording: 1, feed: 'made up', symbols } }];
  symbols.forEach((symbol, index) => {
    const random = randomOf(index + 7);
    let price = 100 * (index + 1);
    const step = () => {
      price = Number((price * (1 + (random() - 0.5) / 200)).toFixed(2));
      return price;
    };
    const candles = Array.from({ length: HISTORY_MINUTES }, (_, minute) => {
      const [open, close] = [step(), step()];
      const volume = Number((random() * 9).toFixed(3));
      const time = BEGIN - (HISTORY_MINUTES - minute) * MINUTE;
      return [time, open, Math.max(open, close) + 1, Math.min(open, close) - 1, close, volume, 0];
    });
    lines.push({ at: BEGIN, event: { type: 'history', symbol, candles } });
    const trades = (TRADED_MINUTES * MINUTE) / TRADE_EVERY_MS;
    for (let trade = 0; trade < trades; trade += 1) {
      const at = BEGIN + trade * TRADE_EVERY_MS + index;
      const quantity = Number((random() + 0.01).toFixed(3));
      const event = { symbol, time_ms: at, price: step(), quantity, trade_id: trade + 1 };
      lines.push({ at, event: { type: 'trade', ...event } });
    }
  });
  lines.sort((one, other) => one.at - other.at);
  writeFileSync(
    path,
    lines.map(({ at, event }) => `${at}000000 ${JSON.stringify(event)}\n`).join(''),
  );
}
