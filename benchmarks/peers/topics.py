"""socketify, the uWebSockets core driven from Python: a topic a symbol, plain WebSocket."""

import asyncio
import json
import os
import time
from typing import Any

from socketify import App, OpCode  # type: ignore[import-not-found]

from benchmarks.quotes import (
    FLOOD,
    FLOOD_SECONDS_MAX,
    MARKET_UPDATE,
    flood_payload,
    quote,
)


def event_text(event: str, payload: object) -> str:
    return "42" + json.dumps([event, payload], separators=(",", ":"))


class Server:
    def __init__(self, symbols: list[str], interval: float) -> None:
        self._symbols = symbols
        self._interval = interval
        self._floods: set[asyncio.Task[None]] = set()
        self._app = App()
        self._app.ws("/*", {"open": self._opened, "message": self._message, "idle_timeout": 120})

    def run(self) -> None:
        self._app.listen(
            {"host": "127.0.0.1", "port": 0},
            lambda config: print(f"ready at http://127.0.0.1:{self._port(config)}", flush=True),
        )
        self._app.loop.create_background_task(self._ticks)
        self._app.run()

    def _port(self, config: Any) -> int:
        return int(config.port)

    def _opened(self, socket: Any) -> None:
        socket.send("ready", OpCode.TEXT)

    def _message(self, socket: Any, message: str, _opcode: Any) -> None:
        request = json.loads(message)
        if "flood" in request:
            task = asyncio.ensure_future(self._flood(**request["flood"]))
            self._floods.add(task)
            task.add_done_callback(self._floods.discard)
            return
        for symbol in request["symbols"]:
            socket.subscribe(symbol)
        socket.send("subscribed", OpCode.TEXT)

    async def _ticks(self) -> None:
        tick, due = 0, time.monotonic()
        while True:
            tick += 1
            for symbol in self._symbols:
                text = event_text(MARKET_UPDATE, {symbol: quote(symbol, tick)})
                self._app.publish(symbol, text, OpCode.TEXT)
            due += self._interval
            await asyncio.sleep(max(0.0, due - time.monotonic()))

    async def _flood(self, seconds: float, interval: float, pad: int) -> None:
        due = time.monotonic()
        end = due + min(seconds, FLOOD_SECONDS_MAX)
        number = 0
        while time.monotonic() < end:
            text = event_text(FLOOD, flood_payload(number, pad))
            self._app.publish(self._symbols[0], text, OpCode.TEXT)
            number += 1
            due += interval
            await asyncio.sleep(max(0.0, due - time.monotonic()) if interval else 0)


if __name__ == "__main__":
    Server(os.environ["SYMBOLS"].split(","), float(os.environ["INTERVAL"])).run()
