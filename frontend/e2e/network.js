/** A slow network, and how much a page jumps while it loads. */

/** 400 kbit/s, 400 ms: a phone at the edge of its cell. */
const SLOW = {
  offline: false,
  latency: 400,
  downloadThroughput: 50_000,
  uploadThroughput: 50_000,
};

/**
 * Slow a page's network down from now on, with nothing in its cache.
 * @param {import('playwright-core').Page} page
 */
export async function slowDown(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Network.enable');
  await devtools.send('Network.setCacheDisabled', { cacheDisabled: true });
  await devtools.send('Network.emulateNetworkConditions', SLOW);
}

/** A session of shifts ends with this long a pause, or after this long: the metric's definition. */
const SESSION = { pauseMs: 1000, longestMs: 5000 };

/**
 * Note how much a page moves what it has already shown, from its first paint on.
 * @param {import('playwright-core').Page} page
 */
export function watchLayoutShift(page) {
  return page.addInitScript(() => {
    /** @type {any} */ (window).layoutShifts = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) {
        const { startTime, value, hadRecentInput } = /** @type {any} */ (entry);
        if (!hadRecentInput) /** @type {any} */ (window).layoutShifts.push([startTime, value]);
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });
}

/**
 * @param {import('playwright-core').Page} page
 * @returns {Promise<number>} Cumulative layout shift (https://web.dev/articles/cls) so far.
 */
export async function layoutShift(page) {
  /** @type {[number, number][]} */
  const shifts = await page.evaluate(() => /** @type {any} */ (window).layoutShifts);
  let [worst, sum, began, last] = [0, 0, -Infinity, -Infinity];
  for (const [time, value] of shifts) {
    if (time - last > SESSION.pauseMs || time - began > SESSION.longestMs) {
      sum = 0;
      began = time;
    }
    last = time;
    sum += value;
    worst = Math.max(worst, sum);
  }
  return worst;
}
