import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { register, signIn } from './browser.js';
import { makeRecording } from './recording.js';
import { connectBrowser } from './served.js';
import { Server } from './server.js';

const PRICES = {
  BTC: 64000.5,
  ETH: 1192174709.29,
  PEPE: 0.0000000000452,
  SHIB: 0.0000123456,
  BABYDOGE: 1e-11,
  LONGSYMBOLNAME1: 1e10,
  ADA: 0.456789,
  SOL: 1.2345,
  X: 123456.78,
};
/** The widest of each kind. */
const CHARTS = ['/markets/PEPE', '/markets/ETH', '/markets/LONGSYMBOLNAME1'];
const SCREENS = {
  'a desktop': { viewport: { width: 1440, height: 900 } },
  'a desktop at 200 % zoom': { viewport: { width: 720, height: 450 }, deviceScaleFactor: 2 },
  'a phone': { viewport: { width: 360, height: 740 } },
  'the narrowest phone': { viewport: { width: 320, height: 640 } },
};

/** @type {ReturnType<typeof makeRecording>} */
let recording;
/** @type {Server} */
let server;
/** @type {import('playwright-core').Browser} */
let browser;

beforeAll(async () => {
  recording = makeRecording(PRICES, { minutes: 3000, book: true });
  server = await new Server({
    MARKET_FEED: `replay:${recording.path}`,
    REPLAY_SPEED: '600',
    SYMBOLS: Object.keys(PRICES).join(','),
    SIGNAL_INTERVAL: '2',
  }).start();
  browser = await connectBrowser();
  await register(server.url, 'ada');
});

afterAll(async () => {
  await browser?.close();
  await server?.stop();
  recording?.remove();
});

/**
 * Every number of the page of which a part is cut off: by an ancestor that hides what is outside of
 * it, or by the edge of the window.
 * @param {import('playwright-core').Page} page
 */
function cutOff(page) {
  return page.evaluate(() => {
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      const text = node.textContent ?? '';
      let element = node.parentElement;
      // A symbol may end in an ellipsis; its title has it whole.
      if (!/\d/.test(text) || !element || element.closest('.symbol-mark, a[title]')) continue;
      if (!element.checkVisibility() || element.closest('.visually-hidden')) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const own = range.getBoundingClientRect();
      for (; element; element = element.parentElement) {
        const { overflowX, contain } = getComputedStyle(element);
        const box = element.getBoundingClientRect();
        if (overflowX === 'auto' || overflowX === 'scroll') break;
        const hides = overflowX !== 'visible' || /strict|content|paint/.test(contain);
        const edge = element === document.documentElement ? window.innerWidth : box.right;
        if ((hides || element === document.documentElement) && own.right > edge + 0.5) {
          found.push(`${text} in ${element.className || element.tagName}`);
        } else if (hides && own.left < box.left - 0.5) {
          found.push(`${text} in ${element.className || element.tagName}`);
        }
      }
    }
    return found;
  });
}

/**
 * @param {string} text A price as the page shows it.
 * @returns {number}
 */
function parsePrice(text) {
  const plain = text.replace(/0([₀-₉]+)/u, (_, count) => {
    const zeros = [...count].map((digit) => '₀₁₂₃₄₅₆₇₈₉'.indexOf(digit)).join('');
    return '0'.repeat(Number(zeros));
  });
  return Number(plain.replaceAll(',', ''));
}

describe.each(Object.entries(SCREENS))('on %s', (_, screen) => {
  it('cuts off no number, whatever its magnitude', async () => {
    const context = await browser.newContext(screen);
    const page = await context.newPage();
    await signIn(page, server.url, 'ada');
    /** @type {Record<string, string[]>} */
    const found = {};
    for (const path of ['/', '/markets', ...CHARTS]) {
      await page.goto(server.url + path);
      await page.locator('.live-price, .movers').first().waitFor();
      await page.waitForTimeout(1500);
      if (CHARTS.includes(path)) await page.getByRole('button', { name: /^1m/ }).click();
      found[path] = await cutOff(page);
    }
    await context.close();
    expect(Object.values(found).flat()).toEqual([]);
  });
});

it('shows the price that the server gives, to six digits', async () => {
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await signIn(page, server.url, 'ada');
  await page.goto(`${server.url}/markets`);
  for (const [symbol, price] of Object.entries(PRICES)) {
    const shown = page.locator(`tr[data-row="${symbol}"] .live-price`);
    await expect.poll(() => shown.textContent()).toMatch(/\d/);
    // The recording stays within a per cent or so of its first price.
    const value = parsePrice((await shown.textContent()) ?? '');
    expect(value / price).toBeGreaterThan(0.98);
    expect(value / price).toBeLessThan(1.02);
  }
  await page.close();
});

it('shows bid, ask and spread of any magnitude, in the table too where it is wide', async () => {
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  await signIn(page, server.url, 'ada');
  for (const symbol of /** @type {const} */ (['BABYDOGE', 'ADA', 'LONGSYMBOLNAME1'])) {
    await page.goto(`${server.url}/markets/${symbol}`);
    await page.locator('.book-top').waitFor();
    const texts = await page.locator('.book-top dd').allTextContents();
    const [bid, ask, spread] = texts.map((text) => parsePrice(text.split(' ')[0]));
    expect(bid / PRICES[symbol]).toBeGreaterThan(0.98);
    expect(ask).toBeGreaterThan(bid);
    expect(spread / (ask - bid)).toBeCloseTo(1, 1);
    expect(texts[2]).toMatch(/\(2 bp\)$/);
    const cell = page.locator(`tr[data-row="${symbol}"] .column-spread`);
    await expect.poll(() => cell.textContent()).toBe('2 bp');
    expect(await cell.isVisible()).toBe(true);
    expect(await cutOff(page)).toEqual([]);
  }
  await page.close();
});

it('gives a symbol that is too long for its place whole to a pointer and a voice', async () => {
  const page = await browser.newPage({ viewport: { width: 320, height: 640 } });
  await signIn(page, server.url, 'ada');
  await page.goto(`${server.url}/markets`);
  const mark = page.locator('tr[data-row="LONGSYMBOLNAME1"] .symbol-mark');
  await mark.waitFor();
  expect(await mark.getAttribute('title')).toContain('LONGSYMBOLNAME1');
  const name = mark.locator('strong');
  expect(await name.textContent()).toBe('LONGSYMBOLNAME1');
  const cut = await name.evaluate((element) => element.scrollWidth > element.clientWidth);
  const ellipsis = await name.evaluate((element) => getComputedStyle(element).textOverflow);
  expect({ cut, ellipsis }).toEqual({ cut: true, ellipsis: 'ellipsis' });
  await page.close();
});
