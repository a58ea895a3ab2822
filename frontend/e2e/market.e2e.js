import { beforeAll, expect, it } from 'vitest';
import { chooseInterval, live, signIn, watchForTrouble } from './browser.js';
import { served } from './served.js';

const at = served({ SIGNAL_INTERVAL: '2', SIGNAL_TIMEFRAME: '1m', SENTIMENT_INTERVAL: '3' });

/** @type {import('playwright-core').Page} */
let page;
/** @type {string[]} */
let trouble;

beforeAll(async () => {
  page = await at.browser.newPage({ viewport: { width: 1440, height: 900 } });
  trouble = watchForTrouble(page);
  await signIn(page, at.server.url, 'ada');
});

/** @param {string} symbol */
const row = (symbol) => page.locator(`tr[data-row="${symbol}"]`);

/** @returns {Promise<string[]>} */
const order = () =>
  page
    .locator('tbody tr[data-row]')
    .evaluateAll((rows) => rows.map((each) => each.dataset.row ?? ''));

async function changes() {
  const texts = await page.locator('tbody tr td:nth-of-type(4)').allTextContents();
  // Rows out of sight say nothing.
  const shown = texts.filter((text) => text !== '');
  return shown.map((text) => Number(text.replace('−', '-').replace(/[^-\d.]/g, '')));
}

it('shows live prices that move', async () => {
  await page.goto(`${at.server.url}/markets`);
  await live(page);
  const price = row('BTC').locator('.live-price');
  await expect.poll(() => price.textContent()).toMatch(/^[\d,]+\.\d{2}$/);
  const before = await price.textContent();
  await expect.poll(() => price.textContent()).not.toBe(before);
});

it('updates a price more often than the two-second tick', async () => {
  // As lively as the market is just then: three changes closer together than three ticks come.
  const seen = await page.evaluate(async () => {
    const element = document.querySelector('tr[data-row="BTC"] .live-price');
    let text = element?.textContent;
    /** @type {number[]} */
    const changes = [];
    const end = performance.now() + 60_000;
    while (performance.now() < end) {
      const now = await new Promise(requestAnimationFrame);
      if (element?.textContent === text) continue;
      text = element?.textContent;
      changes.push(now);
      if (now - (changes.at(-3) ?? -Infinity) < 2500) return true;
    }
    return false;
  });
  expect(seen).toBe(true);
});

it('sorts by a column, both ways', async () => {
  await page.getByRole('button', { name: 'Symbol' }).click();
  expect(await order()).toEqual((await order()).toSorted());
  const header = page.getByRole('columnheader', { name: '24 h' }).first();
  await header.getByRole('button').click();
  expect(await header.getAttribute('aria-sort')).toBe('descending');
  await expect
    .poll(async () => {
      const values = await changes();
      return values.every((value, at) => at === 0 || value <= values[at - 1] + 0.2);
    })
    .toBe(true);
  await header.getByRole('button').click();
  expect(await header.getAttribute('aria-sort')).toBe('ascending');
});

it('searches by ticker and by name', async () => {
  const search = page.getByRole('searchbox', { name: 'Search symbols' });
  await search.fill('cardano');
  await expect.poll(order).toEqual(['ADA']);
  await search.fill('nothing like it');
  await page.getByText('No symbol matches').waitFor();
  await search.fill('');
  await expect.poll(async () => (await order()).length).toBe(20);
});

it('keeps a starred symbol on the watchlist over a reload', async () => {
  await page.getByRole('button', { name: 'Watch SOL' }).click();
  await page.getByRole('button', { name: 'Watchlist' }).click();
  await expect.poll(order).toEqual(['SOL']);
  await page.reload();
  await live(page);
  await expect.poll(order).toEqual(['SOL']);
  await page.getByRole('button', { name: 'Watchlist' }).click();
});

it('opens a chart and draws its candles', async () => {
  await row('ETH').click();
  await page.getByRole('heading', { name: 'ETH' }).waitFor();
  await page.locator('.chart-canvas canvas').first().waitFor();
  await page.locator('.legend').getByText('O', { exact: true }).waitFor();
  expect(page.url()).toBe(`${at.server.url}/markets/ETH`);
  await page.getByRole('link', { name: 'TradingView' }).waitFor();
});

it('shows no order book where the feed has none', async () => {
  expect(await page.locator('.book-top').count()).toBe(0);
});

it('switches the interval', async () => {
  const hourly = page.waitForResponse((response) =>
    response.url().includes('interval=1h&limit=500'),
  );
  await chooseInterval(page, '1h');
  expect((await (await hourly).json()).candles.length).toBeGreaterThan(0);
  await chooseInterval(page, '1m');
});

it('reads candles one by one from the keyboard', async () => {
  await page.locator('.chart-canvas').focus();
  await page.keyboard.press('ArrowLeft');
  const legend = page.locator('.legend dl');
  const last = await legend.textContent();
  for (let press = 0; press < 5; press += 1) await page.keyboard.press('ArrowLeft');
  await expect.poll(() => legend.textContent()).not.toBe(last);
  await page.keyboard.press('Escape');
});

it('grows the last candle with the live price', async () => {
  const same = () =>
    page.evaluate(() => {
      const close = document.querySelectorAll('.legend data')[3];
      return close.textContent === document.querySelector('.detail-price .live-price')?.textContent;
    });
  for (let time = 0; time < 5; time += 1) {
    await expect.poll(same).toBe(true);
    await page.waitForTimeout(500);
  }
});

it('shows a signal when it arrives', async () => {
  await page.getByRole('link', { name: 'Overview' }).click();
  const first = page.locator('.signals li').first();
  await first.waitFor();
  const before = await first.getAttribute('data-signal');
  await expect.poll(() => first.getAttribute('data-signal'), { timeout: 90_000 }).not.toBe(before);
});

it('shows the daily index beside the one of now, and what each is for', async () => {
  const daily = async () => (await (await fetch(`${at.server.url}/api/sentiment`)).json()).daily;
  // The simulated market's years are there a moment after its first start.
  await expect.poll(daily).not.toBeNull();
  await page.goto(at.server.url);
  await page.getByRole('img', { name: /^Fear and greed \d+ of 100/ }).waitFor();
  await page.getByText('against the last week').waitFor();
  await page.getByText('against the last year').waitFor();
  const { value } = await daily();
  await page.getByRole('img', { name: `Daily index ${value} of 100` }).waitFor();
  await page.getByRole('img', { name: /^Daily index: from \d+ to \d+, now/ }).waitFor();
});

it('shows breadth and movers', async () => {
  await page.locator('.breadth-facts').waitFor();
  // Up to three of each: those that rose, and those that fell.
  await expect.poll(() => page.locator('.movers li').count()).toBeGreaterThanOrEqual(3);
});

it('had no console error and no failed request', () => {
  expect(trouble).toEqual([]);
});
