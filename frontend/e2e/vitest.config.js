import { fileURLToPath } from 'node:url';
import { defineConfig, mergeConfig } from 'vitest/config';
import base from '../vite.config.js';

const { test: _unit, ...shared } = base;

export default mergeConfig(
  shared,
  defineConfig({
    root: fileURLToPath(new URL('..', import.meta.url)),
    test: {
      include: ['e2e/**/*.e2e.js'],
      // One server and one browser at a time: they share two cores.
      fileParallelism: false,
      testTimeout: 180_000,
      hookTimeout: 120_000,
    },
  }),
);
