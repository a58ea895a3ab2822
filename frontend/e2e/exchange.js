/** A local exchange that speaks the protocol of a real one, as a program of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PYTHON, ROOT } from './server.js';

export class Exchange {
  /** @param {{ name: 'binance' | 'kraken' | 'coinbase', seed: number }} options */
  constructor({ name, seed }) {
    this._args = ['-m', 'tests.feeds.exchange_server', '--exchange', name, '--seed', String(seed)];
    /** @type {import('node:child_process').ChildProcess | null} */
    this._process = null;
  }

  /** @returns {Promise<Record<string, string>>} Settings of a server that is to follow it. */
  async start() {
    const child = spawn(PYTHON, this._args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] });
    this._process = child;
    let said = '';
    for await (const chunk of child.stdout) {
      said += chunk;
      const lines = said.match(/^\w+_URL=\S+$/gm) ?? [];
      if (said.endsWith('\n') && lines.length === 2) {
        child.stdout.resume();
        return Object.fromEntries(lines.map((line) => line.split('=')));
      }
    }
    throw new Error(`The exchange did not start: ${said}`);
  }

  /** As in a crash. */
  async kill() {
    const child = this._process;
    this._process = null;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
}
