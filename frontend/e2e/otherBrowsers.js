/**
 * Firefox by WebDriver BiDi and WebKit by WebDriver, both as the system has them. Each is driven
 * through the same two calls, which is all that a smoke test needs.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { lastingPort } from './server.js';

const FIREFOX = process.env.FIREFOX ?? '/usr/bin/firefox-esr';
const WEBKIT_DRIVER = process.env.WEBKIT_DRIVER ?? '/usr/bin/WebKitWebDriver';
const XVFB = '/usr/bin/Xvfb';
/** Wide enough for table and chart side by side. */
const SCREEN = { width: 1440, height: 900 };
const START_TIMEOUT_MS = 30_000;

/**
 * @typedef {object} OtherBrowser
 * @property {(url: string) => Promise<unknown>} goto
 * @property {(script: string) => Promise<any>} evaluate The body of a function; returns JSON.
 * @property {() => Promise<void>} close
 */

/** @type {Record<string, { installed: boolean, launch: () => Promise<OtherBrowser> }>} */
export const OTHER_BROWSERS = {
  Firefox: { installed: existsSync(FIREFOX), launch: launchFirefox },
  WebKit: { installed: existsSync(WEBKIT_DRIVER) && existsSync(XVFB), launch: launchWebKit },
};

/** @returns {Promise<OtherBrowser>} */
async function launchFirefox() {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: FIREFOX,
    defaultViewport: SCREEN,
  });
  const page = await browser.newPage();
  return {
    goto: (url) => page.goto(url),
    evaluate: (script) => page.evaluate(`(() => { ${script} })()`),
    close: () => browser.close(),
  };
}

/** @returns {Promise<OtherBrowser>} */
async function launchWebKit() {
  // It has no mode without a screen: the X server finds a free one, and tells which.
  const screen = spawn(XVFB, [
    '-displayfd',
    '1',
    '-screen',
    '0',
    '1440x900x24',
    '-nolisten',
    'tcp',
  ]);
  const [display] = await once(screen.stdout, 'data');
  const home = mkdtempSync(join(tmpdir(), 'crs-webkit-'));
  const port = await lastingPort();
  const driver = spawn(WEBKIT_DRIVER, [`--port=${port}`], {
    env: {
      ...process.env,
      DISPLAY: `:${String(display).trim()}`,
      HOME: home,
      XDG_RUNTIME_DIR: home,
    },
    stdio: 'ignore',
  });

  /**
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   */
  async function send(method, path, body) {
    const response = await fetch(`http://127.0.0.1:${port}/session${path}`, {
      method,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const { value } = await response.json();
    if (!response.ok) throw new Error(`WebKit: ${value.error}: ${value.message}`);
    return value;
  }

  async function close() {
    for (const child of [driver, screen]) {
      if (child.exitCode !== null) continue;
      child.kill();
      await once(child, 'exit');
    }
    rmSync(home, { recursive: true, force: true });
  }

  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      const { sessionId } = await send('POST', '', { capabilities: { alwaysMatch: {} } });
      return {
        goto: (url) => send('POST', `/${sessionId}/url`, { url }),
        evaluate: (script) => send('POST', `/${sessionId}/execute/sync`, { script, args: [] }),
        async close() {
          await send('DELETE', `/${sessionId}`);
          await close();
        },
      };
    } catch (error) {
      // The driver does not say when it listens.
      if (Date.now() > deadline) {
        await close();
        throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}
