import { expect, it } from 'vitest';
import { live, signIn, watchForTrouble } from './browser.js';
import { served } from './served.js';

const at = served({ SYMBOLS: 'BTC,ETH', SYMBOLS_ADDED_PER_USER: '1', MARKET_INTERVAL: '0.5' });

for (const viewport of [
  { width: 1440, height: 900 },
  { width: 390, height: 844 },
]) {
  it(`finds what the feed lists and adds it, ${viewport.width} pixels wide`, async () => {
    const added = viewport.width > 1000 ? 'SUI' : 'TON';
    const page = await at.browser.newPage({ viewport });
    const trouble = watchForTrouble(page);
    await signIn(page, at.server.url, 'ada');
    await page.goto(`${at.server.url}/markets`);
    await live(page);
    const search = page.getByRole('searchbox', { name: 'Search symbols' });
    const more = page.getByRole('region', { name: 'More symbols of the feed' });
    await search.fill('bitc');
    await page.locator('tr[data-row="ETH"]').waitFor({ state: 'detached' });
    expect(await page.locator('tr[data-row]').count()).toBe(1);
    await search.fill(added.toLowerCase());
    await more.getByRole('button', { name: `Add ${added}` }).waitFor();
    await more.getByRole('button', { name: `Add ${added}` }).click();
    if (added === 'SUI') {
      const price = page.locator('tr[data-row="SUI"] .live-price');
      await expect.poll(() => price.textContent(), { timeout: 30_000 }).toMatch(/^\d+\.\d{4}$/);
      expect(await more.count()).toBe(0);
    } else {
      // The account has added one on the other page.
      await more.getByText('You have added as many symbols as may be').waitFor();
      // The browser tells its console of the refusal.
      trouble.length = 0;
    }
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(viewport.width);
    await search.fill('');
    await more.waitFor({ state: 'detached' });
    expect(trouble).toEqual([]);
    await page.close();
  });
}
