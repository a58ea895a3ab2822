/**
 * Holds the first JavaScript to its budget: what the real server sends, to a browser that takes
 * brotli, of all that the page loads before it shows anything. Charts come later, by a dynamic
 * import. Needs a build.
 */
import { get } from 'node:http';
import { Server } from '../e2e/server.js';

const BUDGET_KB = 110;
const BROWSER = { 'Accept-Encoding': 'gzip, deflate, br, zstd' };

/**
 * @param {string} url
 * @param {Record<string, string>} [headers]
 * @returns {Promise<{ bytes: number, encoding: string, body: Buffer }>} As it comes over the wire.
 */
function fetchRaw(url, headers = {}) {
  return new Promise((resolve, reject) => {
    get(url, { headers }, (response) => {
      /** @type {Buffer[]} */
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks);
        if (response.statusCode !== 200) reject(new Error(`${response.statusCode} for ${url}`));
        const encoding = response.headers['content-encoding'] ?? 'as it is';
        resolve({ bytes: body.length, encoding, body });
      });
    }).on('error', reject);
  });
}

const server = await new Server().start();
try {
  const { body } = await fetchRaw(server.url);
  const files = [...body.toString().matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)];
  let total = 0;
  for (const [, path] of files) {
    const { bytes, encoding } = await fetchRaw(server.url + path, BROWSER);
    if (path.endsWith('.js')) total += bytes / 1000;
    console.log(`${(bytes / 1000).toFixed(1).padStart(7)} kB  ${path}, ${encoding}`);
  }
  console.log(`${total.toFixed(1).padStart(7)} kB  first JavaScript as sent, of ${BUDGET_KB} kB`);
  if (total === 0 || total > BUDGET_KB) process.exitCode = 1;
} finally {
  await server.stop();
}
