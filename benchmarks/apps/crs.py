"""The real `app.py`, with two events more: what a benchmark has to ask a server for.

`flood` emits numbered messages to the first symbol's room, and `rooms` streams one event a symbol
to its room, as a server without baskets would. Both go through the application's own `SocketIO`.
"""

# Before anything else: it patches the standard library.
import app as entry

# isort: split
import sys
import time
from collections.abc import Callable

from flask import Flask

from backend.clock import Clock
from backend.config import Settings
from backend.protocol import MARKET_UPDATE, symbol_room
from benchmarks.quotes import FLOOD, FLOOD_SECONDS_MAX, flood_payload, quote


class Extras:
    """The background tasks behind the two events."""

    def __init__(self, app: Flask, symbols: tuple[str, ...]) -> None:
        self._socketio = app.extensions["crs"].socketio
        self._symbols = symbols
        self._socketio.on_event("flood", self._start(self._flood))
        self._socketio.on_event("rooms", self._start(self._rooms))

    def _start(self, task: Callable[..., None]) -> Callable[[dict[str, float]], None]:
        def handler(options: dict[str, float]) -> None:
            self._socketio.start_background_task(task, **options)

        return handler

    def _flood(self, seconds: float, interval: float, pad: int) -> None:
        room = symbol_room(self._symbols[0])
        due = time.monotonic()
        end = due + min(seconds, FLOOD_SECONDS_MAX)
        number = 0
        while time.monotonic() < end:
            self._socketio.emit(FLOOD, flood_payload(number, pad), to=room)
            number += 1
            due += interval
            self._socketio.sleep(max(0.0, due - time.monotonic()) if interval else 0)

    def _rooms(self, seconds: float, interval: float) -> None:
        due = time.monotonic()
        end = due + seconds
        tick = 0
        while time.monotonic() < end:
            tick += 1
            for symbol in self._symbols:
                payload = {symbol: quote(symbol, tick)}
                self._socketio.emit(MARKET_UPDATE, payload, to=symbol_room(symbol))
            due += interval
            self._socketio.sleep(max(0.0, due - time.monotonic()))


def main() -> int:
    build = entry.create_app

    def create_app(settings: Settings, clock: Clock | None = None) -> Flask:
        app = build(settings, clock)
        Extras(app, settings.symbols)
        return app

    entry.create_app = create_app
    return entry.main()


if __name__ == "__main__":
    sys.exit(main())
