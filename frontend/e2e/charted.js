/** The chart of a test's own server, by a cable. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll } from 'vitest';
import { live, register, signIn } from './browser.js';
import { Cable } from './cable.js';
import { readBars } from './chartReading.js';
import { writeRecording } from './replayFile.js';
import { connectBrowser } from './served.js';
import { SMALL_MARKET, Server } from './server.js';

/** @typedef {import('playwright-core').Page} Page */

/**
 * A browser as long as a file's tests run, and what `open` makes until the test ends.
 * @returns {{
 *   browser: import('playwright-core').Browser,
 *   server: Server,
 *   cable: Cable,
 *   open: (env?: Record<string, string>) => Promise<{ page: Page, asked: string[] }>,
 *   openReplay: (speed: number) => Promise<{ page: Page, asked: string[] }>,
 * }} `open` starts a server and a cable to it, and shows the chart of BTC; `asked` are the questions
 *   for its minutes, and grows.
 */
export function charted() {
  const at = /** @type {ReturnType<typeof charted>} */ ({});
  /** @type {string} */
  let directory;
  /** @type {import('playwright-core').BrowserContext | undefined} */
  let context;

  beforeAll(async () => {
    at.browser = await connectBrowser();
    directory = mkdtempSync(join(tmpdir(), 'crs-recording-'));
    writeRecording(join(directory, 'made-up.txt'), ['BTC', 'ETH']);
  });

  afterAll(async () => {
    await at.browser?.close();
    rmSync(directory, { recursive: true, force: true });
  });

  afterEach(async () => {
    await context?.close();
    await at.cable?.stop();
    await at.server?.stop();
  });

  at.open = async (env) => {
    at.server = await new Server({ ...SMALL_MARKET, ...env }).start();
    at.cable = await new Cable(at.server.port).start();
    await register(at.server.url, 'ada');
    context = await at.browser.newContext({ viewport: { width: 1440, height: 900 } });
    const page = await context.newPage();
    const asked = /** @type {string[]} */ ([]);
    page.on('request', (request) => {
      if (request.url().includes('/api/market/candles?symbol=BTC&interval=1m')) {
        asked.push(request.url());
      }
    });
    await signIn(page, at.cable.url, 'ada');
    await page.goto(`${at.cable.url}/markets/BTC`);
    await live(page);
    await page.locator('.legend time').waitFor();
    return { page, asked };
  };

  at.openReplay = (speed) =>
    at.open({
      MARKET_FEED: `replay:${directory}`,
      REPLAY_SPEED: String(speed),
      SYMBOLS: 'BTC,ETH',
    });

  return at;
}

/** @param {Page} page */
export const newestTime = async (page) => (await readBars(page, 1))[0].time;
