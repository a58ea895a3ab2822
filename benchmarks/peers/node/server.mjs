// Node's socket.io as its documentation has it: a JWT in the handshake's auth, a room a symbol.
import { createServer } from "node:http";
import jwt from "jsonwebtoken";
import { Server } from "socket.io";

const SECRET = process.env.JWT_SECRET_KEY;
const SYMBOLS = process.env.SYMBOLS.split(",");
const INTERVAL_MS = Number(process.env.INTERVAL) * 1000;
// The same bounds and sizes as benchmarks/quotes.py.
const FIRST_SEQUENCE = 10_000_000;
const FLOOD_SECONDS_MAX = 60;

let tick = 0;

const quote = (symbol) => ({
  symbol,
  price: 42000.25 + (tick % 100),
  change_24h: -1.2345,
  volume_24h: 1234567890.12,
  timestamp: new Date().toISOString(),
  seq: FIRST_SEQUENCE + tick,
  stale: false,
});

const http = createServer((request, response) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.end('{"status":"ok"}');
});
const io = new Server(http, { transports: ["websocket"] });

io.use((socket, next) => {
  try {
    const claims = jwt.verify(socket.handshake.auth.token, SECRET, { algorithms: ["HS256"] });
    socket.data.user = claims.sub;
    next();
  } catch {
    next(new Error("Invalid token"));
  }
});

io.on("connection", (socket) => {
  const now = () => new Date().toISOString();
  socket.emit("connection_status", {
    status: "connected",
    user_id: socket.data.user,
    timestamp: now(),
  });
  socket.on("subscribe", ({ symbols }) => {
    socket.join(symbols);
    socket.emit("subscription_confirmed", { symbols, timestamp: now() });
    const known = symbols.map((symbol) => [symbol, quote(symbol)]);
    socket.emit("market_update", Object.fromEntries(known));
  });
  socket.on("flood", flood);
});

function flood({ seconds, interval, pad }) {
  const filler = "x".repeat(pad);
  const end = performance.now() + Math.min(seconds, FLOOD_SECONDS_MAX) * 1000;
  let number = 0;
  let due = performance.now();
  const next = () => {
    if (performance.now() >= end) return;
    io.to(SYMBOLS[0]).emit("flood", { n: FIRST_SEQUENCE + number, pad: filler });
    number += 1;
    due += interval * 1000;
    if (interval) setTimeout(next, Math.max(0, due - performance.now()));
    else setImmediate(next);
  };
  next();
}

let due = performance.now();
function stream() {
  tick += 1;
  for (const symbol of SYMBOLS) io.to(symbol).emit("market_update", { [symbol]: quote(symbol) });
  due += INTERVAL_MS;
  setTimeout(stream, Math.max(0, due - performance.now()));
}

http.listen(0, "127.0.0.1", 4096, () => {
  console.log(`ready at http://127.0.0.1:${http.address().port}`);
  stream();
});
