import react from '@vitejs/plugin-react';
import { fileURLToPath } from 'node:url';
import { compression } from 'vite-plugin-compression2';
import { defineConfig } from 'vitest/config';
import { docsPages } from './scripts/docsPages.js';

const backend = process.env.CRS_BACKEND_URL ?? 'http://127.0.0.1:5000';

export default defineConfig({
  plugins: [
    react(),
    docsPages(),
    // Once here and not at each request: backend/api/built_files.py sends what it finds. A packet
    // holds what is smaller.
    compression({ algorithms: ['brotliCompress', 'gzip'], threshold: 1024, logLevel: 'silent' }),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  build: {
    // The first release of each engine with `light-dark()`, CSS nesting and popovers; older ones are not served.
    target: ['chrome123', 'edge123', 'firefox125', 'safari17.5'],
    // Read by scripts/size.mjs, which tells the initial chunks from the lazy ones.
    manifest: true,
    // A font inlined as base64 would sit in the render-blocking stylesheet.
    assetsInlineLimit: 0,
  },
  server: {
    port: 5173,
    strictPort: true,
    proxy: { '/api': backend, '/health': backend, '/socket.io': { target: backend, ws: true } },
  },
  test: {
    // Files that need a page ask for jsdom, which takes longer to set up than their tests take.
    environment: 'node',
    include: ['test/**/*.test.{js,jsx}'],
    setupFiles: ['test/setup.js'],
    restoreMocks: true,
    // Far beyond what a loaded machine needs.
    testTimeout: 60_000,
  },
});
