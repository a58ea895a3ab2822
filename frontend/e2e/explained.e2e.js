import { expect, it } from 'vitest';
import { violations } from './axe.js';
import { signIn, watchForTrouble } from './browser.js';
import { SMALL_MARKET } from './server.js';
import { served } from './served.js';

const at = served({ ...SMALL_MARKET, SIGNAL_INTERVAL: '2' });

/** @param {import('playwright-core').BrowserContextOptions} options */
async function open(options) {
  const context = await at.browser.newContext(options);
  const page = await context.newPage();
  await signIn(page, at.server.url, 'ada');
  await page.goto(at.server.url);
  await page.getByRole('button', { name: 'Drawdown' }).first().waitFor();
  return page;
}

/** @param {import('playwright-core').Page} page */
const explanation = (page) => page.locator('.explanation');

it('explains a number to a pointer, which can go on to the link', async () => {
  const page = await open({ viewport: { width: 1440, height: 900 } });
  await page.getByRole('button', { name: 'Drawdown' }).first().hover();
  await explanation(page).getByText('100 means little drawdown').waitFor();
  await explanation(page).getByRole('link').hover();
  await page.waitForTimeout(500);
  expect(await explanation(page).count()).toBe(1);
  await page.mouse.move(5, 890);
  await expect.poll(() => explanation(page).count()).toBe(0);
  await page.context().close();
});

it('explains a number to the keyboard, and leads to its definition', async () => {
  const page = await open({ viewport: { width: 1440, height: 900 } });
  const trouble = watchForTrouble(page);
  const term = page.getByRole('button', { name: 'Confidence' });
  // As a keyboard would: a focus that shows.
  await page.keyboard.press('Tab');
  await term.focus();
  await explanation(page).waitFor();
  expect(await term.getAttribute('aria-expanded')).toBe('true');
  await page.keyboard.press('Escape');
  await expect.poll(() => explanation(page).count()).toBe(0);
  await page.keyboard.press('Enter');
  await explanation(page).waitFor();
  await page.keyboard.press('Tab');
  const opened = page.context().waitForEvent('page');
  await page.keyboard.press('Enter');
  const docs = await opened;
  await docs.getByRole('heading', { name: 'confidence (0 to 1)' }).waitFor();
  expect(docs.url()).toBe(`${at.server.url}/docs/analysis.html#confidence-0-to-1`);
  expect(trouble).toEqual([]);
  await page.context().close();
});

it('explains a number to a finger, within the screen', async () => {
  const page = await open({
    viewport: { width: 360, height: 740 },
    hasTouch: true,
    isMobile: true,
  });
  for (const name of ['Drawdown', 'Volume, USD', '90 % range', 'Signals']) {
    await page.getByRole('button', { name, exact: true }).first().tap();
    await explanation(page).waitFor();
    // It is moved into the screen once its size is known.
    await expect
      .poll(async () => {
        const box = await explanation(page).boundingBox();
        return box !== null && box.x >= 0 && box.x + box.width <= 360;
      })
      .toBe(true);
    await page.touchscreen.tap(180, 20);
    await expect.poll(() => explanation(page).count()).toBe(0);
  }
  await page.context().close();
});

it.each(/** @type {const} */ (['light', 'dark']))(
  'has no violation with an explanation or a menu open, nor in the docs, in the %s theme',
  async (colorScheme) => {
    const page = await open({ viewport: { width: 1440, height: 900 }, colorScheme });
    await page.getByRole('button', { name: 'Drawdown' }).first().click();
    await explanation(page).waitFor();
    expect(await violations(page)).toEqual([]);
    await page.getByRole('button', { name: 'Display' }).click();
    await page.getByRole('radio', { name: 'UTC' }).waitFor({ state: 'attached' });
    expect(await violations(page)).toEqual([]);
    for (const name of ['analysis', 'protocol']) {
      await page.goto(`${at.server.url}/docs/${name}.html`);
      expect(await violations(page)).toEqual([]);
    }
    await page.context().close();
  },
);
