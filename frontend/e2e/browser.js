/** The system's Chromium, and what every page of a test must not do. */
import { existsSync } from 'node:fs';
import { chromium } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
// The same without windows, each of which takes 0.7 s of the processor.
const SHELL = '/usr/bin/chromium-headless-shell';
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** @param {string[]} [more] */
export function launchBrowser(more = []) {
  return chromium.launch({ executablePath: EXECUTABLE, args: [...ARGS, ...more] });
}

/** One that several processes share, by `chromium.connect` to its endpoint. */
export function launchSharedBrowser() {
  const executablePath = !process.env.CHROMIUM && existsSync(SHELL) ? SHELL : EXECUTABLE;
  return chromium.launchServer({ executablePath, args: ARGS });
}

/** What the page says while prices come. */
const STREAMING = /Live|Playing/;

export const PASSWORD = 'correct horse battery';

/**
 * @param {string} url
 * @param {string} username
 */
export async function register(url, username) {
  const response = await fetch(`${url}/api/auth/register`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, password: PASSWORD }),
  });
  if (!response.ok) throw new Error(`Registering failed: ${await response.text()}`);
}

/**
 * @param {string} url
 * @param {string} username
 * @returns {Promise<string>} An access token.
 */
export async function logIn(url, username) {
  const response = await fetch(`${url}/api/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ username, password: PASSWORD }),
  });
  return (await response.json()).access_token;
}

/**
 * Leave a browser signed in as the form does, for whatever page is loaded next: most tests are of
 * what comes after, and a page of the application takes a second of the processor.
 * @param {import('playwright-core').Page} page
 * @param {string} url
 * @param {string} username
 */
export async function signIn(page, url, username) {
  await page.goto(`${url}/favicon.svg`);
  await page.evaluate(
    async (account) => {
      const response = await fetch('/api/auth/login', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'X-Refresh-Cookie': '1' },
        body: JSON.stringify(account),
      });
      if (!response.ok) throw new Error(`Signing in failed: ${await response.text()}`);
      localStorage.setItem('crs.session', '1');
    },
    { username, password: PASSWORD },
  );
}

/**
 * Collects what must not happen: console errors, uncaught exceptions, failed requests.
 * @param {import('playwright-core').Page} page
 * @returns {string[]} Grows.
 */
export function watchForTrouble(page) {
  /** @type {string[]} */
  const trouble = [];
  page.on('console', (message) => {
    if (message.type() !== 'error') return;
    trouble.push(`console: ${message.text()} ${message.location().url}`);
  });
  page.on('pageerror', (error) => trouble.push(`exception: ${error.message}`));
  page.on('requestfailed', (request) => {
    // A navigation cuts short what the page before it was loading.
    if (request.failure()?.errorText === 'net::ERR_ABORTED') return;
    trouble.push(`failed: ${request.url()} ${request.failure()?.errorText}`);
  });
  page.on('response', (response) => {
    if (response.status() >= 400) trouble.push(`${response.status()}: ${response.url()}`);
  });
  return trouble;
}

/** @param {import('playwright-core').Page} page */
export const live = (page) => page.locator('.connection-status', { hasText: STREAMING }).waitFor();

/** @param {import('playwright-core').Page} page */
export const offline = (page) =>
  page.locator('.connection-status', { hasText: 'Offline' }).waitFor();

/**
 * Choose the chart's interval.
 * @param {import('playwright-core').Page} page
 * @param {string} interval
 */
export const chooseInterval = (page, interval) =>
  page.locator('.chart-tools').getByText(interval, { exact: true }).click();
