/**
 * Holds the initial JavaScript to its budget: what `index.html` makes a browser load before it
 * shows anything, gzipped. Charts come later, by a dynamic import.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const BUDGET_KB = 180;
const dist = fileURLToPath(new URL('../dist/', import.meta.url));

/** @type {Record<string, { file: string, isEntry?: boolean, imports?: string[] }>} */
const manifest = JSON.parse(readFileSync(`${dist}.vite/manifest.json`, 'utf8'));

/** @type {Set<string>} */
const initial = new Set();

/** @param {string} name */
function collect(name) {
  const { file, imports = [] } = manifest[name];
  if (initial.has(file)) return;
  initial.add(file);
  imports.forEach(collect);
}

for (const [name, { isEntry }] of Object.entries(manifest)) if (isEntry) collect(name);

let total = 0;
for (const file of initial) {
  const size = gzipSync(readFileSync(dist + file)).length / 1000;
  total += size;
  console.log(`${size.toFixed(1).padStart(7)} kB  ${file}`);
}
console.log(`${total.toFixed(1).padStart(7)} kB  initial JavaScript, gzipped, of ${BUDGET_KB} kB`);
if (initial.size === 0 || total > BUDGET_KB) process.exitCode = 1;
