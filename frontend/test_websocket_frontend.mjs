/**
 * A quick check that the frontend is set up: `node frontend/test_websocket_frontend.mjs`.
 * Needs `npm ci` and nothing else; the real tests are `npm test` and `npm run e2e`.
 */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('.', import.meta.url));

/** @param {string} path */
const read = (path) => readFileSync(root + path, 'utf8');

/** @type {[string, () => boolean | Promise<boolean>][]} */
const checks = [
  [
    'the packages are installed, in the versions of package.json',
    () => {
      const { dependencies } = JSON.parse(read('package.json'));
      return Object.entries(dependencies).every(
        ([name, version]) =>
          JSON.parse(read(`node_modules/${name}/package.json`)).version === version,
      );
    },
  ],
  [
    'the client library offers its methods, and is not connected by being imported',
    async () => {
      const { default: service } = await import('./src/lib/websocket.js');
      const methods = [
        'connect',
        'disconnect',
        'subscribe',
        'unsubscribe',
        'on',
        'off',
        'isConnected',
      ];
      return (
        methods.every((name) => typeof (/** @type {any} */ (service)[name]) === 'function') &&
        !service.isConnected()
      );
    },
  ],
  [
    'a listener can be added and removed',
    async () => {
      const { WebSocketService } = await import('./src/lib/websocket.js');
      const service = new WebSocketService();
      const remove = service.on('market_update', () => {});
      return typeof remove === 'function' && (remove(), true);
    },
  ],
  [
    'the hook is there',
    () => /export function useWebSocket\(/.test(read('src/hooks/useWebSocket.js')),
  ],
  [
    'both dashboards live on it',
    () =>
      ['overview/AIDashboard.jsx', 'market/MarketDashboard.jsx'].every((path) =>
        read(`src/features/${path}`).includes("from '@/hooks/useWebSocket.js'"),
      ),
  ],
  [
    'the development server passes the API and the stream on to the backend',
    () => ['/api', '/socket.io'].every((path) => read('vite.config.js').includes(`'${path}'`)),
  ],
  [
    'the build, where there is one, is whole',
    () => {
      if (!existsSync(`${root}dist`)) return true;
      const scripts = [...read('dist/index.html').matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)];
      return scripts.length > 0 && scripts.every(([, path]) => existsSync(`${root}dist/${path}`));
    },
  ],
];

let failures = 0;
for (const [promise, holds] of checks) {
  /** @type {unknown} */
  let reason;
  const held = await Promise.resolve()
    .then(holds)
    .catch((error) => {
      reason = error;
      return false;
    });
  if (!held) failures += 1;
  console.log(`${held ? '✓' : '✗'} ${promise}${reason ? `: ${reason}` : ''}`);
}
console.log(failures === 0 ? 'The frontend is set up.' : `${failures} of ${checks.length} failed.`);
process.exitCode = failures === 0 ? 0 : 1;
