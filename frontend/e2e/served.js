/** What most files of tests need, once for all of their tests. */
import { afterAll, beforeAll } from 'vitest';
import { launchBrowser, register } from './browser.js';
import { Server } from './server.js';

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
    at.browser = await launchBrowser();
    await register(at.server.url, 'ada');
  });
  afterAll(async () => {
    await at.browser?.close();
    await at.server?.stop();
  });
  return at;
}
