// A stock socket.io-client that a test drives over its standard input and reads on its output.
//
//   node client.mjs <url> <options as JSON>
//
// The option "msgpack" stands for the parser of socket.io-msgpack-parser, which JSON can't hold.
// Each line in is an array for emit(), or {"ack": [...]} for emitWithAck(), or {"close": true}; or
// {"cut": "here"} for a transport that fails, {"cut": "unnoticed"} for one whose server is not told,
// and {"connect": url} to come back, here or to another server.
// Each line out is [name, ...arguments]: every event, and "connect" (the transport, and of the
// socket id, recovered and pid), "disconnect", "connect_error", "upgrade", "transport_close" and
// "ack".
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(new URL("../../frontend/package.json", import.meta.url));
const { io } = require("socket.io-client");

const say = (...line) => process.stdout.write(JSON.stringify(line) + "\n");
const [url, given] = process.argv.slice(2);
const { msgpack, ...options } = JSON.parse(given);
if (msgpack) options.parser = require("socket.io-msgpack-parser");
const socket = io(url, { reconnection: false, ...options });

socket.on("connect", () => {
  const { id, recovered, _pid: pid } = socket;
  say("connect", socket.io.engine.transport.name, { id, recovered: Boolean(recovered), pid });
});
socket.on("disconnect", (reason) => say("disconnect", reason));
socket.on("connect_error", (error) => say("connect_error", error.message));
socket.onAny((event, ...args) => say(event, ...args));
socket.io.on("open", () => {
  socket.io.engine.on("upgrade", () => say("upgrade"));
  socket.io.engine.on("close", (reason) => say("transport_close", reason));
});

createInterface({ input: process.stdin }).on("line", (line) => {
  const command = JSON.parse(line);
  if (Array.isArray(command)) socket.emit(...command);
  else if (command.ack) socket.emitWithAck(...command.ack).then((answer) => say("ack", answer));
  else if (command.close) socket.close();
  else if (command.cut) {
    if (command.cut === "unnoticed") socket.io.engine.transport.doClose = () => {};
    socket.io.engine.close();
  } else if (command.connect) {
    socket.io.uri = command.connect;
    socket.connect();
  }
}).on("close", () => process.exit(0));
