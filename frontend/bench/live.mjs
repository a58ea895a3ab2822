/**
 * What the trading view costs while 100 symbols each change ten times a second: how busy the main
 * thread is, and whether memory grows. And how soon a page is painted and can be used.
 *
 * `node bench/live.mjs [seconds]` (default 60); needs a build. The stream comes from the tests'
 * own Socket.IO server, since no feed can be made to change at an exact rate; the page, its
 * accounts and its REST calls are the real server's.
 */
import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { once } from 'node:events';
import { Server as SocketServer } from 'socket.io';
import { launchBrowser, live, register, signIn } from '../e2e/browser.js';
import { Server } from '../e2e/server.js';

const SECONDS = Number(process.argv[2] ?? 60);
const SYMBOLS = Array.from({ length: 100 }, (_, index) => `S${String(index).padStart(2, '0')}`);
const UPDATES_PER_SECOND = 10;
/** Memory is sampled so often, after a forced collection. */
const SAMPLE_MS = 10_000;
const LIMITS = {
  busyShare: 0.26,
  paintMs: 1000,
  interactiveMs: 1500,
  growthMb: 5,
  sortMs: 100,
};
/** A phone of the middle class, as browsers' tools have it. */
const SLOWER_CPU = 4;
const SORTS = 9;

/**
 * A server that answers everything as the real one does, but streams what the bench says.
 * @param {string} target
 */
async function startStream(target) {
  const { port } = new URL(target);
  const http = createServer((incoming, outgoing) => {
    const forward = httpRequest(
      { port, path: incoming.url, method: incoming.method, headers: incoming.headers },
      (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      },
    );
    forward.on('error', () => outgoing.destroy());
    incoming.pipe(forward);
  });
  const io = new SocketServer(http, { serveClient: false });
  const prices = SYMBOLS.map((_, index) => 10 + index);
  let seq = 0;

  io.on('connection', (socket) => {
    socket.onAny((event, payload, acknowledge) => event === 'heartbeat' && acknowledge(payload));
    const timestamp = new Date().toISOString();
    socket.emit('connection_status', {
      status: 'connected',
      message: '',
      timestamp,
      feed: 'simulated',
    });
    socket.on('subscribe', () => socket.emit('market_update', quotes()));
  });

  function quotes() {
    const timestamp = new Date().toISOString();
    return Object.fromEntries(
      SYMBOLS.map((symbol, index) => [
        symbol,
        {
          symbol,
          price: prices[index],
          change_24h: (prices[index] / (10 + index) - 1) * 100,
          volume_24h: 1e8 + index * 1e6,
          timestamp,
          seq,
          stale: false,
        },
      ]),
    );
  }

  // Symbols change one after the other and not all at once, which is the harder case: every frame
  // has something to show.
  let next = 0;
  let sent = 0;
  const started = performance.now();
  const ticker = setInterval(() => {
    const due = ((performance.now() - started) / 1000) * SYMBOLS.length * UPDATES_PER_SECOND;
    const timestamp = new Date().toISOString();
    for (; sent < due; sent += 1) {
      const previous = prices[next];
      prices[next] *= 1 + (Math.random() - 0.5) / 500;
      seq += 1;
      io.emit('price_update', {
        symbol: SYMBOLS[next],
        price: prices[next],
        previous_price: previous,
        change_24h: (prices[next] / (10 + next) - 1) * 100,
        timestamp,
        seq,
      });
      next = (next + 1) % SYMBOLS.length;
    }
  }, 5);
  const ticks = setInterval(() => io.emit('market_update', quotes()), 2000);

  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const address = /** @type {import('node:net').AddressInfo} */ (http.address());
  return {
    url: `http://127.0.0.1:${address.port}`,
    sent: () => sent,
    stop() {
      clearInterval(ticker);
      clearInterval(ticks);
      http.closeAllConnections();
      return io.close();
    },
  };
}

/** @param {import('playwright-core').CDPSession} devtools */
async function metrics(devtools) {
  const { metrics: list } = await devtools.send('Performance.getMetrics');
  return Object.fromEntries(list.map(({ name, value }) => [name, value]));
}

/**
 * CPU time of the page's main thread in seconds, from Linux's own account: the durations that
 * DevTools gives also count the time for which other processes had the core.
 * @param {import('playwright-core').CDPSession} system
 */
async function mainThreadSeconds(system) {
  const { processInfo } = await system.send('SystemInfo.getProcessInfo');
  const used = processInfo
    .filter(({ type }) => type === 'renderer')
    .map(({ id }) =>
      Number(readFileSync(`/proc/${id}/task/${id}/schedstat`, 'utf8').split(' ')[0]),
    );
  return Math.max(...used) / 1e9;
}

/** @param {import('playwright-core').CDPSession} devtools */
async function heapMb(devtools) {
  await devtools.send('HeapProfiler.collectGarbage');
  const { usedSize } = await devtools.send('Runtime.getHeapUsage');
  return usedSize / 1e6;
}

/**
 * How soon a fresh visitor sees something, and can use it: the end of the last long task, or the
 * first paint where there is none.
 * @param {import('playwright-core').Browser} browser
 * @param {string} url
 */
async function measureLoading(browser, url) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.addInitScript(() => {
    /** @type {any} */ (window).longTasks = [];
    new PerformanceObserver((list) =>
      /** @type {any} */ (window).longTasks.push(...list.getEntries()),
    ).observe({ type: 'longtask', buffered: true });
  });
  await page.goto(url);
  await page.waitForTimeout(4000);
  const result = await page.evaluate(() => {
    const [paint] = performance.getEntriesByName('first-contentful-paint');
    const busyUntil = /** @type {any} */ (window).longTasks.map(
      (/** @type {PerformanceEntry} */ task) => task.startTime + task.duration,
    );
    return { paintMs: paint.startTime, interactiveMs: Math.max(paint.startTime, ...busyUntil) };
  });
  await context.close();
  return result;
}

/**
 * The median from a click on a column's header to the frame that shows the table in its new order,
 * on a slower processor, while prices come.
 * @param {import('playwright-core').Page} page
 * @param {import('playwright-core').CDPSession} devtools
 */
async function measureSorting(page, devtools) {
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: SLOWER_CPU });
  const times = await page.evaluate(async (sorts) => {
    const header = /** @type {HTMLElement} */ (document.querySelector('th button'));
    const painted = () =>
      new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const measured = [];
    for (let sort = 0; sort < sorts; sort += 1) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      const began = performance.now();
      header.click();
      await painted();
      measured.push(performance.now() - began);
    }
    return measured.sort((one, other) => one - other);
  }, SORTS);
  await devtools.send('Emulation.setCPUThrottlingRate', { rate: 1 });
  return times[Math.floor(SORTS / 2)];
}

const server = await new Server({ SYMBOLS: SYMBOLS.join(',') }).start();
const stream = await startStream(server.url);
const browser = await launchBrowser();
try {
  await register(server.url, 'bench');
  await measureLoading(browser, server.url); // warms the disk cache of the server and the browser
  const loading = await measureLoading(browser, server.url);

  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  await signIn(page, stream.url, 'bench');
  await page.goto(`${stream.url}/markets/${SYMBOLS[0]}`);
  await live(page);
  const devtools = await page.context().newCDPSession(page);
  await devtools.send('Performance.enable');
  await page.waitForTimeout(10_000);

  const heap = [await heapMb(devtools)];
  const system = await browser.newBrowserCDPSession();
  const before = await metrics(devtools);
  const cpuBefore = await mainThreadSeconds(system);
  const sentBefore = stream.sent();
  const started = performance.now();
  const end = Date.now() + SECONDS * 1000;
  while (Date.now() < end) {
    await page.waitForTimeout(Math.min(SAMPLE_MS, end - Date.now()));
    heap.push(await heapMb(devtools));
  }
  const after = await metrics(devtools);
  const elapsed = (performance.now() - started) / 1000;
  const busyShare = ((await mainThreadSeconds(system)) - cpuBefore) / elapsed;
  const sortMs = await measureSorting(page, devtools);
  const third = Math.max(1, Math.floor(heap.length / 3));
  const mean = (/** @type {number[]} */ values) =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const growthMb = mean(heap.slice(-third)) - mean(heap.slice(0, third));

  const result = { ...loading, busyShare, growthMb, sortMs };
  console.log(
    `updates received   ${Math.round((stream.sent() - sentBefore) / elapsed)} a second, ${SYMBOLS.length} symbols`,
  );
  console.log(
    `main thread busy   ${(busyShare * 100).toFixed(1)} % of a core; by the clock, on this machine beside its other work, ${share('TaskDuration')} (scripts ${share('ScriptDuration')}, style ${share('RecalcStyleDuration')}, layout ${share('LayoutDuration')})`,
  );
  console.log(
    `heap               ${heap.map((value) => value.toFixed(1)).join(' ')} MB, ${growthMb.toFixed(1)} MB from first to last third of ${SECONDS} s`,
  );
  console.log(
    `nodes, listeners   ${before.Nodes} -> ${after.Nodes}, ${before.JSEventListeners} -> ${after.JSEventListeners}`,
  );
  console.log(
    `sort               ${sortMs.toFixed(0)} ms for ${SYMBOLS.length} symbols, on a processor ${SLOWER_CPU} times slower`,
  );
  console.log(`first paint        ${loading.paintMs.toFixed(0)} ms`);
  console.log(`interactive        ${loading.interactiveMs.toFixed(0)} ms`);
  for (const [name, limit] of Object.entries(LIMITS)) {
    const value = result[/** @type {keyof typeof LIMITS} */ (name)];
    if (value > limit) {
      console.error(`${name} is ${value.toFixed(2)}, over its limit of ${limit}`);
      process.exitCode = 1;
    }
  }

  /** @param {string} metric */
  function share(metric) {
    return `${(((after[metric] - before[metric]) / elapsed) * 100).toFixed(1)} %`;
  }
} finally {
  await browser.close();
  await stream.stop();
  await server.stop();
}
