/** A server's candles of one minute each, which a test moves on, and the questions that it was asked. */
import { bar } from './someBars.js';

/** @typedef {import('@/features/market/chart/bars.js').Bar} Bar */

export class FakeServer {
  /** @param {number} minutes How many there are; the last one is forming. */
  constructor(minutes) {
    /** @type {Bar[]} */
    this.bars = Array.from({ length: minutes }, (_, minute) => bar(minute));
    this.reachable = true;
    /** @type {number[]} How many candles each question was for. */
    this.asked = [];
    /** @type {(() => void)[]} Lets held answers go, while `holding`. */
    this.held = [];
    this.holding = false;
    this.load = this.load.bind(this);
  }

  /**
   * @param {number} count
   * @param {number} [before]
   */
  async load(count, before = Infinity) {
    this.asked.push(count);
    if (!this.reachable) throw new Error('unreachable');
    // What the server says is what it knows when it is asked.
    const answer = this.bars.filter(({ time }) => time < before).slice(-count);
    if (this.holding) await new Promise((resolve) => this.held.push(() => resolve(null)));
    return answer;
  }

  /** Close the forming candle at a price of its own, and begin as many more. */
  close(minutes = 1) {
    for (let more = 0; more < minutes; more += 1) {
      const last = this.bars.length - 1;
      this.bars[last] = { ...bar(last, 10.5), volume: 7 + last };
      this.bars.push(bar(last + 1));
    }
  }
}

/**
 * The server's bars from the first of those on.
 * @param {FakeServer} server
 * @param {Bar[]} shown
 */
export const since = (server, [first]) => server.bars.filter(({ time }) => time >= first.time);

/** @param {Bar[]} bars */
export const closedOf = (bars) => bars.slice(0, -1);
