import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PASSWORD, register } from './browser.js';
import { OTHER_BROWSERS } from './otherBrowsers.js';
import { SMALL_MARKET, Server } from './server.js';

/** As long as a loaded machine needs to bring a browser's page up. */
const PATIENCE = { timeout: 30_000 };

const SIGN_IN = `
  const fill = (selector, value) => {
    const input = document.querySelector(selector);
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(input, value);
    input.dispatchEvent(new Event('input', { bubbles: true }));
  };
  fill('input[autocomplete=username]', 'ada');
  fill('input[type=password]', '${PASSWORD}');
  document.querySelector('form').requestSubmit();
`;

/** @type {Server} */
let server;

beforeAll(async () => {
  server = await new Server(SMALL_MARKET).start();
  await register(server.url, 'ada');
});

afterAll(() => server?.stop());

describe.each(Object.entries(OTHER_BROWSERS))('in %s', (_, { installed, launch }) => {
  it.skipIf(!installed)('both pages show a live market, and prices that move', async () => {
    const browser = await launch();
    try {
      /** @param {string} selector */
      const text = (selector) =>
        browser.evaluate(`return document.querySelector(${JSON.stringify(selector)})?.textContent`);
      await browser.goto(`${server.url}/sign-in`);
      await expect.poll(() => text('form button'), PATIENCE).toBeTruthy();
      await browser.evaluate(SIGN_IN);
      await expect.poll(() => text('.connection-status strong'), PATIENCE).toBe('Live');

      await browser.goto(server.url);
      await expect.poll(() => text('.gauge-text strong'), PATIENCE).toMatch(/^\d+$/);
      await expect.poll(() => text('.breadth-facts'), PATIENCE).toContain('Rising');
      await expect.poll(() => text('.signals li'), PATIENCE).toBeTruthy();

      await browser.goto(`${server.url}/markets/BTC`);
      const price = 'tr[data-row="BTC"] .live-price';
      await expect.poll(() => text(price), PATIENCE).toMatch(/^[\d.,\s]+$/);
      const before = await text(price);
      await expect.poll(() => text(price), PATIENCE).not.toBe(before);
      // More than one colour: the chart has drawn something.
      const drawn = `
        const canvases = [...document.querySelectorAll('.chart-canvas canvas')];
        return canvases.some(({ width, height }, at) => {
          if (width < 300) return false;
          const { data } = canvases[at].getContext('2d').getImageData(0, 0, width, height);
          return new Set(new Uint32Array(data.buffer)).size > 3;
        });
      `;
      await expect.poll(() => browser.evaluate(drawn), PATIENCE).toBe(true);
      expect(await text('[role=alert]')).toBeFalsy();
    } finally {
      await browser.close();
    }
  });
});
