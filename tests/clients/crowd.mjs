// Many stock socket.io-clients in one process that keep account of what they hear.
//
//   node crowd.mjs
//
// The first line in is {url, auth, clients: [{symbols, transports}]}, with `transports` as the
// library takes them, or null for those that begin by polling and upgrade. "ready" comes out once
// each has what it asked for, and is where it is to stay. Then {"until": {symbol, seq, offset}} is
// answered with "reached" once each has heard a tick of that number of the symbol and what was said
// of that offset, or later ones. When the input ends, a line comes out for each client: {ticks:
// [{symbol: [seq, price]}], said: [[offset, id, symbol]], trouble: [what went wrong]}.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(new URL("../../frontend/package.json", import.meta.url));
const { io } = require("socket.io-client");

const LOOK_MS = 50;

const say = (line) => process.stdout.write(JSON.stringify(line) + "\n");

class Client {
  ticks = [];
  said = [];
  trouble = [];
  isConfirmed = false;

  constructor(url, auth, { symbols, transports }) {
    const options = transports ? { transports } : {};
    this.last = transports?.[0] ?? "websocket";
    this.socket = io(url, { auth, forceNew: true, reconnection: false, ...options });
    this.socket.on("connect", () => this.socket.emit("subscribe", { symbols }));
    this.socket.on("subscription_confirmed", () => (this.isConfirmed = true));
    this.socket.on("market_update", (quotes) => {
      const brief = Object.entries(quotes).map(([name, { seq, price }]) => [name, [seq, price]]);
      this.ticks.push(Object.fromEntries(brief));
    });
    for (const event of ["trading_signal", "sentiment_update"]) {
      this.socket.on(event, ({ offset, id = null, symbol = null }) => {
        this.said.push([offset, id, symbol]);
      });
    }
    for (const event of ["disconnect", "connect_error", "auth_error", "error"]) {
      this.socket.on(event, (told) => this.trouble.push([event, String(told?.message ?? told)]));
    }
  }

  isReady() {
    return this.isConfirmed && this.socket.io.engine.transport.name === this.last;
  }

  hasReached({ symbol, seq, offset }) {
    return this.ticks.at(-1)?.[symbol]?.[0] >= seq && this.said.at(-1)?.[0] >= offset;
  }
}

let clients = [];

/** Say `word` once a condition holds for all; at once where one of them is in trouble. */
const sayWhen = (word, holds) => {
  if (clients.every(holds) || clients.some(({ trouble }) => trouble.length)) say(word);
  else setTimeout(sayWhen, LOOK_MS, word, holds);
};

createInterface({ input: process.stdin })
  .on("line", (line) => {
    const { url, auth, clients: wanted, until } = JSON.parse(line);
    if (until) {
      sayWhen("reached", (client) => client.hasReached(until));
    } else {
      clients = wanted.map((each) => new Client(url, auth, each));
      sayWhen("ready", (client) => client.isReady());
    }
  })
  .on("close", () => {
    const heard = clients.map(({ ticks, said, trouble }) => ({ ticks, said, trouble }));
    process.stdout.write(heard.map((each) => JSON.stringify(each) + "\n").join(""), () =>
      process.exit(0),
    );
  });
