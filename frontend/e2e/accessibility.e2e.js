import { describe, expect, it } from 'vitest';
import { violations } from './axe.js';
import { signIn, watchForTrouble } from './browser.js';
import { served } from './served.js';

const SCREENS = {
  desktop: { width: 1440, height: 900 },
  phone: { width: 360, height: 740 },
};
const VISITOR_PAGES = ['/', '/sign-in', '/sign-up'];
const PAGES = ['/', '/markets', '/markets/BTC'];

const at = served({ SIGNAL_INTERVAL: '2' });

/** How the system would have pages look, by the colours that a visitor may have chosen. */
const LOOKS = /** @type {const} */ ({
  'green-red': {
    dark: { colorScheme: 'dark', forcedColors: 'none' },
    light: { colorScheme: 'light', forcedColors: 'none' },
    forced: { colorScheme: 'light', forcedColors: 'active' },
  },
  'blue-orange': {
    dark: { colorScheme: 'dark', forcedColors: 'none' },
    light: { colorScheme: 'light', forcedColors: 'none' },
  },
});
/** Until a page has what it asks for, and then until it has taken on another look. */
const [SETTLE_MS, CHANGE_MS] = [2500, 400];

/** @param {string} colours */
function chooseColours(colours) {
  const stored = JSON.stringify({ state: { colours }, version: 1 });
  localStorage.setItem('crs.preferences', stored);
}

/** @param {import('playwright-core').Page} page */
const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

describe.concurrent.each(/** @type {(keyof typeof LOOKS)[]} */ (Object.keys(LOOKS)))(
  'in %s',
  (colours) => {
    it.each(/** @type {(keyof typeof SCREENS)[]} */ (Object.keys(SCREENS)))(
      'has no violation and nothing cut off in any look, on a %s',
      async (screen) => {
        const context = await at.browser.newContext({ viewport: SCREENS[screen] });
        const page = await context.newPage();
        await page.addInitScript(chooseColours, colours);
        const trouble = watchForTrouble(page);
        /** @type {object[]} */
        const found = [];
        /** @param {string} path */
        const look = async (path) => {
          await page.goto(at.server.url + path);
          await page.waitForTimeout(SETTLE_MS);
          for (const [name, media] of Object.entries(LOOKS[colours])) {
            await page.emulateMedia(media);
            await page.waitForTimeout(CHANGE_MS);
            const wrong = await violations(page);
            const cut = await overflow(page);
            if (wrong.length || cut) found.push({ path, look: name, wrong, cut });
          }
        };
        for (const path of VISITOR_PAGES) await look(path);
        await signIn(page, at.server.url, 'ada');
        for (const path of PAGES) await look(path);
        await context.close();
        expect(found).toEqual([]);
        expect(trouble).toEqual([]);
      },
    );
  },
);

it('can be worked by keyboard alone', async () => {
  const page = await at.browser.newPage({ viewport: SCREENS.desktop });
  await signIn(page, at.server.url, 'ada');
  await page.goto(`${at.server.url}/markets`);
  await page.locator('tbody tr').first().waitFor();
  await page.keyboard.press('Tab');
  expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to content');
  await page.keyboard.press('Enter');
  await page.keyboard.press('Tab');
  await page.keyboard.type('solana');
  for (let press = 0; press < 15; press += 1) {
    await page.keyboard.press('Tab');
    const label = await page.evaluate(() => document.activeElement?.getAttribute('href'));
    if (label === '/markets/SOL') break;
  }
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'SOL' }).waitFor();
  await page.close();
});

it('does not move for those who asked for less motion', async () => {
  const context = await at.browser.newContext({ reducedMotion: 'reduce' });
  const page = await context.newPage();
  await signIn(page, at.server.url, 'ada');
  await page.goto(`${at.server.url}/markets`);
  await page.locator('tr[data-row="BTC"] .live-price').waitFor();
  await page.waitForTimeout(4000);
  expect(await page.evaluate(() => document.getAnimations().length)).toBe(0);
  await context.close();
});
