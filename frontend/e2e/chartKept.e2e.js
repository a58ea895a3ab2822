import { expect, it } from 'vitest';
import { violations } from './axe.js';
import { live, offline } from './browser.js';
import { charted, newestTime } from './charted.js';
import { timeAt } from './chartReading.js';

const MINUTE = 60_000;

const at = charted();

/** @param {import('playwright-core').Page} page */
async function scrollBack(page) {
  const box = /** @type {any} */ (await page.locator('.chart-canvas').boundingBox());
  await page.mouse.move(box.x + 200, box.y + 150);
  await page.mouse.wheel(0, 300);
  await page.mouse.down();
  await page.mouse.move(box.x + 450, box.y + 150, { steps: 5 });
  await page.mouse.up();
  // A drag rolls out.
  await page.waitForTimeout(1500);
}

it('keeps candles, place and zoom through a lost connection, and marks them stale', async () => {
  const { page } = await at.openReplay(20);
  await scrollBack(page);
  const places = async () => [await timeAt(page, 10), await timeAt(page, 300)];
  const before = await places();
  at.cable.pull();
  await offline(page);
  await page.locator('.chart-stale').waitFor();
  expect(await page.locator('.chart-stale').textContent()).toMatch(/connection lost at \d/);
  await page.waitForTimeout(8000);
  expect(await places()).toEqual(before);
  expect(await violations(page)).toEqual([]);
  at.cable.plugIn();
  await live(page);
  await page.locator('.chart-stale').waitFor({ state: 'detached' });
  await page.waitForTimeout(4000);
  expect(await places()).toEqual(before);
});

it('has a way back to now', async () => {
  const { page } = await at.openReplay(20);
  const toNow = page.getByRole('button', { name: 'To now' });
  expect(await toNow.count()).toBe(0);
  await scrollBack(page);
  await toNow.click();
  await expect.poll(() => toNow.count()).toBe(0);
  const box = /** @type {any} */ (await page.locator('.chart-canvas').boundingBox());
  const seen = await timeAt(page, box.width - 110);
  expect((await newestTime(page)) - seen).toBeLessThan(15 * MINUTE);
});

it('keeps what its panels knew through a lost connection, and marks them stale', async () => {
  const { page } = await at.open();
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.locator('.forecast tbody tr').first().waitFor();
  await page.locator('.history').first().waitFor();
  await page.getByRole('link', { name: 'Markets' }).click();
  at.cable.pull();
  await offline(page);
  await page.getByRole('link', { name: 'Overview' }).click();
  await page.waitForTimeout(1500);
  expect(await page.locator('.forecast tbody tr').count()).toBeGreaterThan(0);
  expect(await page.locator('.history').count()).toBeGreaterThan(0);
  const cards = await page.locator('.card').count();
  expect(await page.locator('.card-stale').count()).toBe(cards);
  expect(await violations(page)).toEqual([]);
  at.cable.plugIn();
  await live(page);
  await page.locator('.card-stale').first().waitFor({ state: 'detached' });
});
