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

/** @param {string} colours */
function chooseColours(colours) {
  const stored = JSON.stringify({ state: { colours }, version: 1 });
  localStorage.setItem('crs.preferences', stored);
}

/** @param {import('playwright-core').Page} page */
const overflow = (page) =>
  page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

/** @type {Record<string, import('playwright-core').BrowserContextOptions & { colours?: string }>} */
const LOOKS = {
  'in the dark theme': { colorScheme: 'dark' },
  'in the light theme': { colorScheme: 'light' },
  'in blue and orange, dark': { colorScheme: 'dark', colours: 'blue-orange' },
  'in blue and orange, light': { colorScheme: 'light', colours: 'blue-orange' },
  'in colours that the system forces': { forcedColors: 'active' },
};

describe.concurrent.each(Object.entries(LOOKS))('%s', (_, { colours = 'green-red', ...look }) => {
  it.each(/** @type {(keyof typeof SCREENS)[]} */ (Object.keys(SCREENS)))(
    'has no violation and nothing cut off, on a %s',
    async (screen) => {
      const context = await at.browser.newContext({ viewport: SCREENS[screen], ...look });
      const page = await context.newPage();
      await page.addInitScript(chooseColours, colours);
      const trouble = watchForTrouble(page);
      const found = [];
      for (const path of VISITOR_PAGES) {
        await page.goto(at.server.url + path);
        await page.waitForTimeout(1500);
        found.push({ path, violations: await violations(page), overflow: await overflow(page) });
      }
      await signIn(page, at.server.url, 'ada');
      for (const path of PAGES) {
        await page.goto(at.server.url + path);
        await page.waitForTimeout(2500);
        found.push({ path, violations: await violations(page), overflow: await overflow(page) });
      }
      await context.close();
      expect(found).toEqual(
        [...VISITOR_PAGES, ...PAGES].map((path) => ({ path, violations: [], overflow: 0 })),
      );
      expect(trouble).toEqual([]);
    },
  );
});

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
