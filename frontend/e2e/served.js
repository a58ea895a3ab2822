/** What most files of tests need, once for all of their tests. */
import { chromium } from 'playwright-core';
import { afterAll, beforeAll, inject } from 'vitest';
import { register } from './browser.js';
import { Server } from './server.js';

/**
 * @returns {Promise<import('playwright-core').Browser>} The one of `oneBrowser.js`; to close it
 *   closes what was opened through it.
 */
export const connectBrowser = () => chromium.connect(inject('browser'));

/**
 * A server with an account of `ada`, and a browser, as long as a file's tests run.
 * @param {Record<string, string>} [env] Settings of the server.
 * @returns {{ server: Server, browser: import('playwright-core').Browser }} Filled in before the
 *   first test.
 */
export function served(env) {
  const at = /** @type {ReturnType<typeof served>} */ ({});
  beforeAll(async () => {
    at.server = await new Server(env).start();
    at.browser = await connectBrowser();
    await register(at.server.url, 'ada');
  });
  afterAll(async () => {
    await at.browser?.close();
    await at.server?.stop();
  });
  return at;
}
