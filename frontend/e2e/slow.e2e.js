import { expect, it } from 'vitest';
import { signIn } from './browser.js';
import { layoutShift, slowDown, watchLayoutShift } from './network.js';
import { SMALL_MARKET } from './server.js';
import { served } from './served.js';

const LARGEST_SHIFT = 0.1;
/** Until the slow network has brought all. */
const SETTLE_MS = 12_000;

const at = served(SMALL_MARKET);

/**
 * When something had come over the network, in ms since the page was asked for.
 * @param {import('playwright-core').Page} page
 * @param {RegExp} name
 */
const arrival = (page, name) =>
  page.evaluate(
    (source) =>
      performance
        .getEntriesByType('resource')
        .filter((entry) => new RegExp(source).test(entry.name))
        .map((entry) => /** @type {PerformanceResourceTiming} */ (entry).responseEnd)[0],
    name.source,
  );

it.each(['/', '/markets/BTC'])(
  'paints before its script is there, and keeps in place what it has shown, at %s',
  async (path) => {
    const context = await at.browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    await watchLayoutShift(page);
    await signIn(page, at.server.url, 'ada');
    await slowDown(page);
    await page.goto(at.server.url + path, { waitUntil: 'commit' });
    await page.waitForTimeout(SETTLE_MS);
    const painted = await page.evaluate(
      () => performance.getEntriesByName('first-contentful-paint')[0].startTime,
    );
    expect(painted).toBeLessThan(await arrival(page, /index-.*\.js$/));
    expect(await layoutShift(page)).toBeLessThan(LARGEST_SHIFT);
    await context.close();
  },
);

it('shows the chart’s place at work before the chart’s own code is there', async () => {
  const page = await at.browser.newPage({ viewport: { width: 1440, height: 900 } });
  await signIn(page, at.server.url, 'ada');
  await slowDown(page);
  await page.goto(`${at.server.url}/markets/BTC`, { waitUntil: 'commit' });
  await page.getByText('Loading the chart…').waitFor();
  expect(await arrival(page, /Chart-.*\.js$/)).toBeUndefined();
  await page.locator('.chart-canvas canvas').first().waitFor();
  await page.close();
});
