import { expect, it } from 'vitest';
import { signIn } from './browser.js';
import { SMALL_MARKET } from './server.js';
import { served } from './served.js';

const at = served({ ...SMALL_MARKET, SIGNAL_INTERVAL: '2' });

it('writes numbers and times as the visitor does, and names the zone', async () => {
  const context = await at.browser.newContext({ locale: 'de-DE', timezoneId: 'Asia/Kolkata' });
  const page = await context.newPage();
  await signIn(page, at.server.url, 'ada');
  await page.goto(`${at.server.url}/markets/BTC`);
  const price = page.locator('tr[data-row="BTC"] .live-price', { hasText: /\d/ });
  await price.waitFor();
  await expect.poll(() => price.textContent()).toMatch(/^\d{2}\.\d{3},\d{2}$/);
  const zone = page.locator('.feed-zone');
  await expect.poll(() => zone.textContent()).toMatch(/Asia\/(Kolkata|Calcutta) \(GMT\+5:30\)/);
  const exactly = page.locator('.detail-signal time');
  await exactly.waitFor();
  await expect.poll(() => exactly.getAttribute('title')).toMatch(/GMT\+5:30/);
  await context.close();
});

it('shows times in UTC when asked, also after a reload', async () => {
  const context = await at.browser.newContext({ timezoneId: 'Asia/Kolkata' });
  const page = await context.newPage();
  await signIn(page, at.server.url, 'ada');
  await page.goto(`${at.server.url}/markets/BTC`);
  const since = page.locator('.feed-strip li', { hasText: 'since' });
  await since.waitFor();
  const local = await since.textContent();
  await page.getByRole('button', { name: 'Display' }).click();
  await page.getByText('UTC', { exact: true }).last().click();
  await expect.poll(() => since.textContent()).not.toBe(local);
  const { feed } = await (await fetch(`${at.server.url}/health`)).json();
  const [, hour, minute] = /T(\d\d):(\d\d)/.exec(feed.since) ?? [];
  const half = `${String(Number(hour) % 12 || 12).padStart(2, '0')}:${minute}`;
  expect(await since.textContent()).toContain(half);
  await page.reload();
  await expect.poll(() => page.locator('.feed-zone').textContent()).toContain('UTC');
  await context.close();
});

it('labels the chart in the zone that was chosen', async () => {
  const context = await at.browser.newContext({ timezoneId: 'Asia/Kolkata' });
  const page = await context.newPage();
  await signIn(page, at.server.url, 'ada');
  await page.goto(`${at.server.url}/markets/BTC`);
  await page.locator('.legend dd').first().waitFor();
  const axis = () => page.locator('.chart-canvas tr:last-child').screenshot();
  const local = await axis();
  await page.getByRole('button', { name: 'Display' }).click();
  await page.getByText('UTC', { exact: true }).last().click();
  await page.keyboard.press('Escape');
  await expect.poll(async () => (await axis()).equals(local)).toBe(false);
  await context.close();
});
