import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const root = fileURLToPath(new URL('..', import.meta.url));

export default defineConfig({
  root,
  plugins: [react()],
  resolve: { alias: { '@': `${root}src` } },
  test: {
    include: ['e2e/**/*.e2e.js'],
    globalSetup: ['e2e/oneBrowser.js'],
    // A file has a server of its own, and waits for most of its time.
    maxWorkers: 2,
    // Of the tests of a file that run beside each other: each has a page of its own, likewise.
    maxConcurrency: 3,
    // Far beyond what a loaded machine needs.
    testTimeout: 300_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
