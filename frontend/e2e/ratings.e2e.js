import { expect, it } from 'vitest';
import { violations } from './axe.js';
import { signIn, watchForTrouble } from './browser.js';
import { served } from './served.js';

const TIMEFRAMES = ['1m', '5m', '15m', '1h', '4h', '1d'];

const at = served({ SYMBOLS: 'BTC,ETH,ADA' });

/**
 * The details of BTC, once all timeframes are rated: the years behind them are there a moment after
 * the server's first start.
 * @param {import('playwright-core').ViewportSize} viewport
 */
async function open(viewport) {
  const context = await at.browser.newContext({ viewport });
  const page = await context.newPage();
  const trouble = watchForTrouble(page);
  const rated = async () => {
    const answer = await fetch(`${at.server.url}/api/ratings?symbol=BTC`);
    return Object.values((await answer.json()).ratings).every(Boolean);
  };
  await expect.poll(rated).toBe(true);
  await signIn(page, at.server.url, 'ada');
  // The same to each question about a symbol, so that nothing changes while it is read.
  const told = /** @type {Map<string, Promise<any>>} */ (new Map());
  const fixed = (/** @type {string} */ url) =>
    told.get(url) ??
    told
      .set(
        url,
        fetch(url).then((answer) => answer.json()),
      )
      .get(url);
  await page.route('**/api/ratings?*', async (route) => {
    await route.fulfill({ json: await fixed(route.request().url()) });
  });
  await page.goto(`${at.server.url}/markets/BTC`);
  await page.locator('.rating-score').first().waitFor();
  const ratingsOf = async (/** @type {string} */ symbol) =>
    (await fixed(`${at.server.url}/api/ratings?symbol=${symbol}`)).ratings;
  return { page, ratingsOf, trouble };
}

it('shows what the server says of each timeframe, and by keyboard every vote behind it', async () => {
  const { page, ratingsOf, trouble } = await open({ width: 1440, height: 900 });
  const ratings = await ratingsOf('BTC');
  for (const timeframe of TIMEFRAMES) {
    const button = page.getByRole('button', { name: new RegExp(`^${timeframe}\\b`) });
    const { score, signal } = ratings[timeframe];
    const text = (await button.textContent())?.replace('−', '-') ?? '';
    expect(text.toUpperCase().replace(' ', '_')).toContain(signal);
    expect(Math.abs(Number(text.match(/[+-]?\d\.\d\d$/)?.[0]) - score)).toBeLessThan(0.0051);
  }
  await page.getByRole('button', { name: /^1d\b/ }).focus();
  await page.keyboard.press('Enter');
  const votes = page.locator('.rating-group li');
  expect(await votes.locator('.vote-name').allTextContents()).toEqual(
    ratings['1d'].votes.map((/** @type {any} */ { name }) => name),
  );
  const words = await votes.locator('.vote .visually-hidden').allTextContents();
  for (const [term, group] of Object.entries({
    moving_averages: words.slice(0, 15),
    oscillators: words.slice(15),
  })) {
    const count = (/** @type {string} */ word) => group.filter((each) => each === word).length;
    expect({ buy: count('Buy'), hold: count('Hold'), sell: count('Sell') }).toEqual({
      buy: ratings['1d'][term].buy,
      hold: ratings['1d'][term].hold,
      sell: ratings['1d'][term].sell,
    });
  }
  expect(await violations(page)).toEqual([]);
  await page.keyboard.press('Enter');
  expect(await votes.count()).toBe(0);
  expect(trouble).toEqual([]);
  await page.context().close();
});

it('has room for all of it on a phone, and for the chart below', async () => {
  const { page } = await open({ width: 390, height: 844 });
  await page.getByRole('button', { name: /^1h\b/ }).click();
  expect(await violations(page)).toEqual([]);
  const wide = () => document.documentElement.scrollWidth - window.innerWidth;
  expect(await page.evaluate(wide)).toBe(0);
  const chart = await page.locator('.chart-canvas').boundingBox();
  expect(chart?.height).toBeGreaterThan(120);
  await page.context().close();
});

it('goes on with the symbol that is looked at', async () => {
  const { page, ratingsOf } = await open({ width: 1440, height: 900 });
  await page.getByRole('button', { name: /^1h\b/ }).click();
  await page.locator('tr[data-row="ADA"]').click();
  const ratings = await ratingsOf('ADA');
  const value = page.locator('.rating-group .number').first();
  const shown = async () => Number((await value.textContent())?.replaceAll(',', ''));
  await expect.poll(shown).toBeCloseTo(ratings['1h'].votes[0].value, 5);
  await page.context().close();
});
