/** The real server on a free port, with its own database, for tests, screenshots and the bench. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = resolve(fileURLToPath(import.meta.url), '../../..');
const VENV_PYTHON = join(ROOT, '.venv/bin/python');
export const PYTHON = process.env.CRS_PYTHON ?? (existsSync(VENV_PYTHON) ? VENV_PYTHON : 'python3');
const START_TIMEOUT_MS = 60_000;

/**
 * Settings of a server for tests that look at some symbols only, and at no more of the past than a
 * rating of hours needs: it is up in a part of the processor's time that it takes with all.
 */
export const SMALL_MARKET = { SYMBOLS: 'BTC,ETH,SOL,XRP,ADA', SIMULATION_DAYS: '3' };

/** Below those that the kernel hands out, so that nobody gets the port of a server that is away. */
const LASTING_PORTS = { first: 15_000, count: 15_000 };

/** @returns {Promise<number>} A free one. */
export async function lastingPort() {
  const port = LASTING_PORTS.first + Math.floor(Math.random() * LASTING_PORTS.count);
  const listener = createServer().listen(port, '127.0.0.1');
  try {
    await once(listener, 'listening');
  } catch {
    return lastingPort();
  }
  listener.close();
  await once(listener, 'close');
  return port;
}

export class Server {
  /** @param {Record<string, string>} env Settings beyond the simulated market's. */
  constructor(env = {}) {
    this._env = env;
    this._directory = mkdtempSync(join(tmpdir(), 'crs-e2e-'));
    this.port = 0;
    /** @type {import('node:child_process').ChildProcess | null} */
    this._process = null;
    this.log = '';
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Start, or start again on the same port with the same accounts. */
  async start() {
    this.port ||= await lastingPort();
    const child = spawn(PYTHON, ['app.py'], {
      cwd: ROOT,
      env: {
        ...process.env,
        PORT: String(this.port),
        DATABASE_URL: `sqlite:///${join(this._directory, 'crs.db')}`,
        JWT_SECRET_KEY: 'a secret that only this test run signs with',
        MARKET_FEED: 'simulated',
        ...this._env,
      },
    });
    this._process = child;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk) => (this.log += chunk));
    }
    const deadline = Date.now() + START_TIMEOUT_MS;
    while (!this.log.includes('CRS is ready') || !(await this._answers())) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`The server did not start:\n${this.log}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return this;
  }

  async _answers() {
    try {
      return (await fetch(`${this.url}/api/market/symbols`)).ok;
    } catch {
      return false;
    }
  }

  /** @param {NodeJS.Signals} [signal] SIGKILL for a crash, SIGTERM for a shutdown. */
  async kill(signal = 'SIGKILL') {
    const child = this._process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
    this.log = '';
  }

  async stop() {
    await this.kill();
    rmSync(this._directory, { recursive: true, force: true });
  }
}
