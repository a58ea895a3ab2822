import { describe, expect, it } from 'vitest';
import { chooseInterval, live, offline } from './browser.js';
import { charted, newestTime } from './charted.js';
import { expectRestsBars, restBars } from './chartReading.js';
import { setHidden } from './visibility.js';

const MINUTE = 60_000;
/** Twelve minutes of a replay at 120 times the pace. */
const AWAY_MS = 6_000;

const at = charted();

/**
 * Until the chart has come as far as the server is now.
 * @param {import('playwright-core').Page} page
 */
async function caughtUp(page) {
  const now = (await restBars(at.server.url, 'BTC', '1m')).at(-1)?.time ?? Infinity;
  await expect.poll(() => newestTime(page), { timeout: 20_000 }).toBeGreaterThanOrEqual(now);
}

describe('every closed bar on the chart is REST’s', () => {
  it.each([120, 600])('in a replay at %i times the pace', async (speed) => {
    const { page } = await at.openReplay(speed);
    for (let round = 0; round < 3; round += 1) {
      await page.waitForTimeout(2000);
      await expectRestsBars(page, at.server.url);
    }
    await caughtUp(page);
  });

  it('after the tab was hidden for minutes', async () => {
    const { page } = await at.openReplay(120);
    const before = await newestTime(page);
    await setHidden(page, true);
    await page.waitForTimeout(AWAY_MS);
    await setHidden(page, false);
    await caughtUp(page);
    expect(await newestTime(page)).toBeGreaterThan(before + 9 * MINUTE);
    await expectRestsBars(page, at.server.url);
  });

  it('after the machine slept', async () => {
    const { page } = await at.openReplay(120);
    const before = await newestTime(page);
    const devtools = await page.context().newCDPSession(page);
    await devtools.send('Page.setWebLifecycleState', { state: 'frozen' });
    await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
    await devtools.send('Page.setWebLifecycleState', { state: 'active' });
    await caughtUp(page);
    expect(await newestTime(page)).toBeGreaterThan(before + 9 * MINUTE);
    await expectRestsBars(page, at.server.url);
  });

  it('after the connection was cut', async () => {
    const { page } = await at.openReplay(120);
    const before = await newestTime(page);
    at.cable.pull();
    await offline(page);
    await page.waitForTimeout(AWAY_MS);
    at.cable.plugIn();
    await live(page);
    await caughtUp(page);
    expect(await newestTime(page)).toBeGreaterThan(before + 9 * MINUTE);
    await expectRestsBars(page, at.server.url);
  });

  it('after the server was started anew, on an earlier clock', async () => {
    const { page } = await at.openReplay(600);
    await page.waitForTimeout(5000);
    const before = await newestTime(page);
    await at.server.kill();
    await offline(page);
    await at.server.start();
    await live(page);
    await expect.poll(() => newestTime(page), { timeout: 20_000 }).toBeLessThan(before);
    await expectRestsBars(page, at.server.url);
    await caughtUp(page);
  });

  it('after quick switches of symbol and interval', async () => {
    const { page } = await at.openReplay(120);
    for (const [symbol, interval] of [
      ['ETH', '5m'],
      ['BTC', '1h'],
      ['ETH', '1m'],
      ['BTC', '5m'],
      ['ETH', '1m'],
    ]) {
      await page.locator(`tr[data-row="${symbol}"]`).click();
      await chooseInterval(page, interval);
    }
    await page.locator('.legend time').waitFor();
    await expectRestsBars(page, at.server.url, { symbol: 'ETH' });
    await chooseInterval(page, '5m');
    await page.locator('.chart-canvas[aria-label^="ETH candles of 5m"]').waitFor();
    await page.locator('.legend time').waitFor();
    await expectRestsBars(page, at.server.url, { symbol: 'ETH', interval: '5m' });
  });
});

it('asks for the history once at a page load, and then lives on what the stream says', async () => {
  const { page, asked } = await at.openReplay(120);
  await page.waitForTimeout(4000);
  expect(asked.filter((url) => url.endsWith('limit=500'))).toHaveLength(1);
  const before = await newestTime(page);
  asked.length = 0;
  await page.waitForTimeout(AWAY_MS);
  expect(asked).toEqual([]);
  expect(await newestTime(page)).toBeGreaterThan(before + 9 * MINUTE);
  await expectRestsBars(page, at.server.url);
});
