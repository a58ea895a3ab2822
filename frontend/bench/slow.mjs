/**
 * What a visitor sees over a slow network, 400 kbit/s and 400 ms: when something is painted, when
 * the chart's frame says that it is at work, and how much the page jumps meanwhile.
 *
 * `node bench/slow.mjs`; needs a build.
 */
import { launchBrowser, register, signIn } from '../e2e/browser.js';
import { layoutShift, slowDown, watchLayoutShift } from '../e2e/network.js';
import { Server } from '../e2e/server.js';

const LIMITS = { paintMs: 3000, frameMs: 4000, shift: 0.1 };
/** How long a page is left to load what it wants. */
const SETTLE_MS = 15_000;

/**
 * @param {import('playwright-core').Page} page
 * @param {string} url
 */
async function measure(page, url) {
  await page.goto(url, { waitUntil: 'commit' });
  const frame = page.locator('.chart, .overview').first();
  await frame.waitFor();
  const frameMs = await page.evaluate(() => performance.now());
  await page.waitForTimeout(SETTLE_MS);
  const paintMs = await page.evaluate(
    () => performance.getEntriesByName('first-contentful-paint')[0].startTime,
  );
  return { paintMs, frameMs, shift: await layoutShift(page) };
}

const server = await new Server().start();
const browser = await launchBrowser();
try {
  await register(server.url, 'bench');
  for (const path of ['/', '/markets/BTC']) {
    for (const viewport of [
      { width: 1440, height: 900 },
      { width: 390, height: 844 },
    ]) {
      const context = await browser.newContext({ viewport });
      const page = await context.newPage();
      await watchLayoutShift(page);
      await signIn(page, server.url, 'bench');
      await slowDown(page);
      const result = await measure(page, server.url + path);
      console.log(
        `${path.padEnd(12)} ${viewport.width} px  first paint ${result.paintMs.toFixed(0)} ms, ` +
          `frame ${result.frameMs.toFixed(0)} ms, layout shift ${result.shift.toFixed(3)}`,
      );
      for (const [name, limit] of Object.entries(LIMITS)) {
        const value = result[/** @type {keyof typeof LIMITS} */ (name)];
        if (value > limit) {
          console.error(`${name} of ${path} is ${value.toFixed(2)}, over its limit of ${limit}`);
          process.exitCode = 1;
        }
      }
      await context.close();
    }
  }
} finally {
  await browser.close();
  await server.stop();
}
