import { expect, it } from 'vitest';
import { signIn } from './browser.js';
import { SMALL_MARKET } from './server.js';
import { served } from './served.js';

// Signals are drawn on the candles that they rate.
const at = served({ ...SMALL_MARKET, SIGNAL_TIMEFRAME: '1m' });

/**
 * What can be seen of an element's state where the system forces its colours.
 * @param {import('playwright-core').Locator} locator
 */
const look = (locator) =>
  locator.first().evaluate((element) => {
    const { backgroundColor, color, outlineStyle, outlineWidth } = getComputedStyle(element);
    return { backgroundColor, color, outline: outlineStyle === 'none' ? '' : outlineWidth };
  });

it('shows every state where the system forces its colours', async () => {
  const context = await at.browser.newContext({
    forcedColors: 'active',
    viewport: { width: 1440, height: 900 },
  });
  const page = await context.newPage();
  await signIn(page, at.server.url, 'ada');
  await page.goto(`${at.server.url}/markets/BTC`);
  await page.locator('tr.selected').waitFor();
  await page.getByRole('button', { name: 'Bollinger' }).click();
  /** @type {[string, string][]} Each with its opposite. */
  const states = [
    ['.chart-tools input:checked + span', '.chart-tools input:not(:checked) + span'],
    ['.toggle[aria-pressed="true"]', '.overlay-toggles [aria-pressed="false"]'],
    ['tr.selected', 'tbody tr:not(.selected)'],
  ];
  for (const [on, off] of states) {
    expect(await look(page.locator(on)), on).not.toEqual(await look(page.locator(off)));
  }
  await page.goto(at.server.url);
  await page.locator('.breadth-bar').waitFor();
  const bar = await page.evaluate(() => {
    /** @param {string} selector */
    const style = (selector) =>
      getComputedStyle(/** @type {Element} */ (document.querySelector(selector)));
    return { rising: style('.rising').boxShadow, falling: style('.falling').backgroundColor };
  });
  expect(bar.rising).not.toBe('none');
  expect(bar.falling).not.toBe('rgba(0, 0, 0, 0)');
  await context.close();
});

it('draws candles hollow where they rise and filled where they fall', async () => {
  const page = await at.browser.newPage({ viewport: { width: 1440, height: 900 } });
  await signIn(page, at.server.url, 'ada');
  await page.goto(`${at.server.url}/markets/BTC`);
  for (const name of ['Averages', 'Bollinger', 'Signals']) {
    await page.getByRole('button', { name, exact: true }).click();
  }
  await page.locator('.legend dd').first().waitFor();
  // Of ten bars each is so wide that its inside can be told from its edge.
  await page.locator('.chart-canvas').hover();
  for (let turn = 0; turn < 12; turn += 1) await page.mouse.wheel(0, -240);
  await page.waitForTimeout(1000);
  const filled = await page.evaluate(() => {
    const probe = document.createElement('span');
    document.body.append(probe);
    /** @param {string} token */
    const colourOf = (token) => {
      probe.style.color = `var(--${token})`;
      return getComputedStyle(probe).color.match(/\d+/g)?.slice(0, 3).join();
    };
    const colours = { up: colourOf('up'), down: colourOf('down') };
    /** The longest run of each colour in a row of pixels. */
    const longest = { up: 0, down: 0 };
    for (const canvas of document.querySelectorAll('.chart-canvas canvas')) {
      const { width, height } = /** @type {HTMLCanvasElement} */ (canvas);
      const context = /** @type {HTMLCanvasElement} */ (canvas).getContext('2d');
      // Above the bars of volume.
      const rows = Math.floor(height * 0.75);
      if (!context || width < 300 || rows < 200) continue;
      const { data } = context.getImageData(0, 0, width, rows);
      /**
       * @param {number} at
       * @param {'up' | 'down'} name
       */
      const isColour = (at, name) =>
        [data[at], data[at + 1], data[at + 2]].join() === colours[name] && data[at + 3] === 255;
      for (const name of /** @type {const} */ (['up', 'down'])) {
        for (let y = 0; y < rows; y += 1) {
          let run = 0;
          for (let x = 0; x < width; x += 1) {
            const at = 4 * (y * width + x);
            run = isColour(at, name) ? run + 1 : 0;
            // Neither an edge nor a wick is a filling: it goes on below, in more than one column.
            const inside = [1, 2, 3].every((down) =>
              [2, 5].every((left) => isColour(at + 4 * (width * down - left), name)),
            );
            if (run > longest[name] && inside) longest[name] = run;
          }
        }
      }
    }
    return longest;
  });
  expect(filled.down).toBeGreaterThan(4);
  expect(filled.up).toBeLessThan(filled.down / 2);
  await page.close();
});

it('keeps the colours that were chosen', async () => {
  const page = await at.browser.newPage({ viewport: { width: 1440, height: 900 } });
  await signIn(page, at.server.url, 'ada');
  await page.goto(at.server.url);
  const up = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue('--up'));
  const before = await up();
  await page.getByRole('button', { name: 'Display' }).click();
  await page.getByText('Blue and orange').click();
  await expect.poll(up).not.toBe(before);
  const chosen = await up();
  await page.reload();
  await expect.poll(up).toBe(chosen);
  await page.close();
});
