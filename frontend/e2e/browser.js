/** The system's Chromium, and what every page of a test must not do. */
import { chromium } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
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
 * @param {import('playwright-core').Page} page
 * @param {string} url
 * @param {string} username
 * @param {RegExp} [state] What the page then says of the stream.
 */
export async function signIn(page, url, username, state = STREAMING) {
  await page.goto(`${url}/sign-in`);
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.connection-status', { hasText: state }).waitFor();
  await page.locator('.account-name').waitFor({ state: 'attached' });
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
