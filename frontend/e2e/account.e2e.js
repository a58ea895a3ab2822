import { afterEach, beforeEach, expect, it } from 'vitest';
import { live, offline, PASSWORD, signIn, watchForTrouble } from './browser.js';
import { served } from './served.js';
import { FEW_SYMBOLS } from './server.js';

const at = served(FEW_SYMBOLS);

/** @type {import('playwright-core').BrowserContext} */
let context;
/** @type {import('playwright-core').Page} */
let page;
/** @type {string[]} */
let trouble;

beforeEach(async () => {
  context = await at.browser.newContext();
  page = await context.newPage();
  trouble = watchForTrouble(page);
});

afterEach(() => context.close());

/**
 * @param {string} username
 * @param {string} password
 */
async function fill(username, password) {
  await page.getByLabel('Username').fill(username);
  await page.getByLabel('Password', { exact: true }).fill(password);
}

it('shows a first-time visitor moving prices, and the whole market after one click', async () => {
  await page.goto(at.server.url);
  const price = page.locator('.welcome-board .live-price').first();
  await expect.poll(() => price.textContent()).toMatch(/\d/);
  const before = await price.textContent();
  await expect.poll(() => price.textContent()).not.toBe(before);
  await page.getByRole('button', { name: 'Look around' }).click();
  await page.getByText('Market sentiment').waitFor();
  await page.getByText('Preview').waitFor();
  await page.getByRole('link', { name: 'Markets' }).click();
  await page.locator('tr[data-row="ETH"] .live-price').waitFor();
  expect(trouble).toEqual([]);
});

it('makes an account from the keyboard alone, and is live', async () => {
  await page.goto(`${at.server.url}/sign-up`);
  await page.getByLabel('Username').focus();
  await page.keyboard.type('grace');
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await live(page);
  await expect.poll(() => page.locator('.account-name').textContent()).toBe('grace');
  expect(trouble).toEqual([]);
});

it('says what is wrong beside the field', async () => {
  await page.goto(`${at.server.url}/sign-up`);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByText('Enter a username.').waitFor();
  await fill('ada', PASSWORD);
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByText('Somebody already has this name').waitFor();
  expect(await page.getByLabel('Username').getAttribute('aria-invalid')).toBe('true');
  await fill('new-name', 'short');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByText('Must be 8 to 128 characters.').waitFor();
  await page.goto(`${at.server.url}/sign-in`);
  await fill('ada', 'not the password');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('don’t belong together').waitFor();
});

it('is still signed in after a reload, without a token that a script could read', async () => {
  await signIn(page, at.server.url, 'ada');
  await page.reload();
  await live(page);
  const readable = await page.evaluate(() =>
    JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }]),
  );
  expect(readable).not.toContain('eyJ');
  const [cookie] = await context.cookies(`${at.server.url}/api/auth/refresh`);
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Strict', path: '/api/auth' });
  expect(trouble).toEqual([]);
});

it('is signed in and out in all tabs at once', async () => {
  await signIn(page, at.server.url, 'ada');
  const second = await context.newPage();
  const troubleThere = watchForTrouble(second);
  await second.goto(`${at.server.url}/markets`);
  await live(second);
  // Both tabs may have refreshed at the same moment; neither may have ended the session.
  await Promise.all([page.reload(), second.reload()]);
  await Promise.all([live(page), live(second)]);
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Look around' }).waitFor();
  await second.getByLabel('Username').waitFor();
  await page.reload();
  await page.getByRole('button', { name: 'Look around' }).waitFor();
  expect([...trouble, ...troubleThere]).toEqual([]);
});

it('keeps the page when the session is revoked elsewhere, and says so at sign-in', async () => {
  await signIn(page, at.server.url, 'ada');
  const cookies = await context.cookies(`${at.server.url}/api/auth/refresh`);
  await fetch(`${at.server.url}/api/auth/logout`, {
    method: 'POST',
    headers: { 'X-Refresh-Cookie': '1', Cookie: `${cookies[0].name}=${cookies[0].value}` },
  });
  await page.getByRole('link', { name: 'Sign in' }).first().click();
  await page.getByText('Your session has ended').waitFor();
});

it('goes offline in words when the server is away', async () => {
  await page.goto(`${at.server.url}/sign-in`);
  await fill('ada', PASSWORD);
  await context.setOffline(true);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The server could not be reached').waitFor();
  await offline(page);
});
