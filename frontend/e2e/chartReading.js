/** What a chart shows, read bar by bar as the keyboard reads it, and what REST says of the same. */
import { expect } from 'vitest';

/**
 * @typedef {{ time: number, values: number[] }} Read Opening in epoch ms; open, high, low, close and
 *   volume.
 */

/**
 * The newest bars of a chart, in one turn of the page, so that nothing changes meanwhile.
 * @param {import('playwright-core').Page} page
 * @param {number} count
 * @returns {Promise<Read[]>} Oldest first.
 */
export async function readBars(page, count) {
  await page.locator('.chart-canvas').focus();
  const bars = await page.evaluate(async (most) => {
    const chart = /** @type {Element} */ (document.querySelector('.chart-canvas'));
    /** @type {{ time: number, values: number[] }[]} */
    const found = [];
    for (let at = 0; at < most; at += 1) {
      const key = at === 0 ? 'End' : 'ArrowLeft';
      chart.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
      await Promise.resolve();
      const legend = document.querySelector('.legend');
      const time = Date.parse(legend?.querySelector('time')?.dateTime ?? '');
      const values = [...(legend?.querySelectorAll('data') ?? [])].map(({ value }) =>
        Number(value),
      );
      if (found.at(-1)?.time === time) break;
      found.push({ time, values });
    }
    chart.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    return found;
  }, count);
  // The change in per cent is not the server's.
  return bars.reverse().map(({ time, values: [o, h, l, c, , v] }) => ({
    time,
    values: [o, h, l, c, v],
  }));
}

/**
 * @param {string} url
 * @param {string} symbol
 * @param {string} interval
 * @param {number} [before] Epoch in ms.
 * @returns {Promise<Read[]>} The newest of all, or of those that open before.
 */
export async function restBars(url, symbol, interval, before) {
  const older = before === undefined ? '' : `&before=${before}`;
  const query = `symbol=${symbol}&interval=${interval}&limit=1500${older}`;
  const response = await fetch(`${url}/api/market/candles?${query}`);
  const { candles } = await response.json();
  return candles.map((/** @type {any} */ candle) => ({
    time: Date.parse(candle.time),
    values: ['open', 'high', 'low', 'close', 'volume'].map((field) => candle[field]),
  }));
}

/**
 * @param {string} url
 * @param {string} symbol
 * @param {string} interval
 * @returns {Promise<Read>}
 */
export async function oldestBar(url, symbol, interval) {
  let [oldest] = await restBars(url, symbol, interval);
  for (let found = oldest; found; [found] = await restBars(url, symbol, interval, oldest.time)) {
    oldest = found;
  }
  return oldest;
}

/**
 * Every closed bar that the chart shows is REST's, and none of REST's is missing between them.
 * @param {import('playwright-core').Page} page
 * @param {string} url The server's own.
 * @param {{ symbol?: string, interval?: string, count?: number }} [what]
 */
export async function expectRestsBars(page, url, what = {}) {
  const { symbol = 'BTC', interval = '1m', count = 300 } = what;
  const shown = (await readBars(page, count)).slice(0, -1);
  expect(shown.length).toBeGreaterThan(20);
  const first = shown[0].time;
  const last = shown[shown.length - 1].time;
  const told = await restBars(url, symbol, interval);
  expect(shown).toEqual(told.filter(({ time }) => time >= first && time <= last));
  return shown;
}

/**
 * The opening of the bar under the pointer, some way into the chart.
 * @param {import('playwright-core').Page} page
 * @param {number} x Pixels from its left edge.
 * @returns {Promise<number>} Epoch in ms.
 */
export async function timeAt(page, x) {
  const box = await page.locator('.chart-canvas').boundingBox();
  if (!box) throw new Error('There is no chart');
  await page.mouse.move(box.x + x, box.y + 150);
  const time = await page.locator('.legend time').getAttribute('datetime');
  await page.mouse.move(box.x - 50, box.y + 150);
  return Date.parse(time ?? '');
}
