/**
 * Writes docs/images/{overview,market}-{desktop,phone}-{dark,light}.png from the real server.
 * `node scripts/screenshots.mjs [directory] [seconds to let the market run]`; needs a build.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { launchBrowser, register, signIn } from '../e2e/browser.js';
import { ROOT, Server } from '../e2e/server.js';

const directory = process.argv[2] ?? join(ROOT, 'docs/images');
const warmUpMs = Number(process.argv[3] ?? 40) * 1000;

const PAGES = { overview: '/', market: '/markets/BTC' };
const SCREENS = {
  desktop: { width: 1440, height: 900 },
  phone: { width: 390, height: 844 },
  ...(process.env.MORE_SCREENS && {
    small: { width: 360, height: 740 },
    tablet: { width: 820, height: 1180 },
    huge: { width: 3840, height: 2160 },
  }),
};

mkdirSync(directory, { recursive: true });
const server = await new Server({ SIMULATION_SEED: '7', SIGNAL_INTERVAL: '5' }).start();
const browser = await launchBrowser();
try {
  await register(server.url, 'demo');
  await new Promise((resolve) => setTimeout(resolve, warmUpMs));
  for (const [screen, viewport] of Object.entries(SCREENS)) {
    for (const theme of /** @type {const} */ (['dark', 'light'])) {
      const context = await browser.newContext({ viewport, colorScheme: theme });
      const page = await context.newPage();
      await signIn(page, server.url, 'demo');
      for (const [name, path] of Object.entries(PAGES)) {
        await page.goto(server.url + path);
        await page.locator('.connection-status', { hasText: 'Live' }).waitFor();
        // Long enough for candles, sparklines and a few ticks.
        await page.waitForTimeout(4000);
        await page.screenshot({ path: join(directory, `${name}-${screen}-${theme}.png`) });
      }
      if (screen !== 'desktop' && process.env.MORE_SCREENS) {
        await page.goto(`${server.url}/markets`);
        await page.waitForTimeout(3000);
        await page.screenshot({ path: join(directory, `table-${screen}-${theme}.png`) });
        await page.goto(server.url);
        await page.waitForTimeout(3000);
        await page.screenshot({
          path: join(directory, `overview-full-${screen}-${theme}.png`),
          fullPage: true,
        });
      }
      await context.close();
    }
  }
} finally {
  await browser.close();
  await server.stop();
}
