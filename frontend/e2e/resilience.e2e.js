import { afterEach, beforeAll, afterAll, expect, it } from 'vitest';
import { live, offline, register, signIn, watchForTrouble } from './browser.js';
import { connectBrowser } from './served.js';
import { SMALL_MARKET, Server } from './server.js';

/** @type {import('playwright-core').Browser} */
let browser;
/** @type {Server} */
let server;

beforeAll(async () => {
  browser = await connectBrowser();
});

afterAll(() => browser?.close());

afterEach(() => server?.stop());

/** @param {Record<string, string>} env */
async function open(env = {}) {
  server = await new Server({ ...SMALL_MARKET, ...env }).start();
  await register(server.url, 'ada');
  // Wide enough for the volume, by which BTC stands in view; by the change it may stand anywhere.
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  const trouble = watchForTrouble(page);
  await signIn(page, server.url, 'ada');
  await page.goto(`${server.url}/markets`);
  await live(page);
  return { page, trouble };
}

/** @param {import('playwright-core').Page} page */
async function expectMovingPrice(page) {
  const price = page.locator('tr[data-row="BTC"] .live-price');
  const before = await price.textContent();
  await expect.poll(() => price.textContent()).not.toBe(before);
}

it.each(/** @type {NodeJS.Signals[]} */ (['SIGKILL', 'SIGTERM']))(
  'goes offline with the server (%s), counts down, and is live again by itself',
  async (signal) => {
    const { page } = await open();
    await expectMovingPrice(page);
    await server.kill(signal);
    await offline(page);
    await page.locator('.status-detail', { hasText: /again in \d+ s/ }).waitFor();
    await server.start();
    await page.locator('.connection-status', { hasText: 'Live' }).waitFor({ timeout: 60_000 });
    await expectMovingPrice(page);
  },
);

it('renews its token ahead of the expiry, and stays live all the while', async () => {
  // 18 s, with the warning after 14: the page then has to change the token in place, and the one
  // that it gets outlasts this test.
  const { page, trouble } = await open({
    ACCESS_TOKEN_MINUTES: '0.3',
    TOKEN_WARNING_SECONDS: '4',
  });
  await page.evaluate(() => {
    const indicator = /** @type {Element} */ (document.querySelector('.connection-status'));
    const lost = () => {
      if (!indicator.textContent?.includes('Live')) document.title = 'was offline';
    };
    new MutationObserver(lost).observe(indicator, {
      subtree: true,
      childList: true,
      characterData: true,
    });
  });
  const renewed = page.waitForResponse('**/api/auth/refresh');
  expect((await renewed).status()).toBe(200);
  await page.waitForTimeout(6_000);
  expect(await page.title()).not.toBe('was offline');
  await expectMovingPrice(page);
  expect(trouble).toEqual([]);
});

it('stays signed in when the page is left in the middle of a refresh', async () => {
  const { page, trouble } = await open();
  // The refresh of a reload is cut short by the next reload, earlier or later on its way.
  for (let delay = 0; delay < 40; delay += 4) {
    const asked = page.waitForRequest('**/api/auth/refresh');
    await page.reload({ waitUntil: 'commit' });
    await asked;
    await page.waitForTimeout(delay);
  }
  await page.reload();
  await live(page);
  expect(trouble).toEqual([]);
});

it('goes on after its token has expired', async () => {
  // So short that the warning comes at once and every renewed token expires, too.
  const { page, trouble } = await open({ ACCESS_TOKEN_MINUTES: '0.1' });
  await page.waitForTimeout(15_000);
  await live(page);
  await expectMovingPrice(page);
  expect(trouble).toEqual([]);
});
