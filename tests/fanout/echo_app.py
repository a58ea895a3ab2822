"""A small Socket.IO application on either engine, for tests of the protocol and of delivery.

    python echo_app.py <settings as JSON>

Prints the port it listens on. Anything a client emits as `message` comes back as `message-back`;
`message-with-ack` is acknowledged; `join` and `leave` enter and leave numbered streams. Who sends
`claims` with CONNECT is who it says.
"""

import warnings

warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")

import eventlet

eventlet.monkey_patch()

import json
import logging
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from flask import Flask
from flask_socketio import SocketIO

from backend import green
from backend.clock import SystemClock
from backend.fanout import fan
from backend.fanout.engine_transports import EngineTransports
from backend.fanout.identity import Identity
from backend.fanout.manager import RoomManager
from backend.fanout.stock import StockTransports
from backend.fanout.transport import QuietLog, Transports
from backend.fanout.wire import codec
from backend.fanout.wire.packet import EnginePacket
from backend.fanout.wire.pieces import Basket, Pieces, Selection
from backend.http.places import Places
from backend.http.server import HttpServer
from backend.server import listen
from backend.turns import Turns

DEFAULTS = {
    "engine": "crs",
    "deflate": True,
    "ping_interval": 25.0,
    "ping_timeout": 20.0,
    "limit": 16_384,
    "slots": 10_000,
    "slice": fan.SLICE_SECONDS,
}


class Streams:
    """Numbered events to rooms: `kept` ones, each of which has to arrive, and `latest` ones. A
    `basket` has the numbers of a client's own choice of rooms; of these too the latest matters."""

    def __init__(self, socketio: SocketIO, transports: Transports) -> None:
        self._socketio = socketio
        self._transports = transports
        self._numbers: dict[str, int] = {}
        self._baskets: list[Basket] = []
        self._running = True

    def number(self, room: str) -> int:
        return self._numbers.get(room, 0)

    def emit(self, room: str, pad: int = 0) -> None:
        number = self._numbers[room] = self.number(room) + 1
        payload = {"room": room, "number": number, "pad": "x" * pad}
        self._socketio.emit("kept", payload, to=room)
        self._socketio.emit("latest", payload, to=room)

    def emit_latest(self, room: str, pad: int) -> None:
        number = self._numbers[room] = self.number(room) + 1
        payload = {"room": room, "number": number, "pad": "x" * pad}
        self._socketio.emit("latest", payload, to=room)
        if number % 100 == 0:
            self._socketio.emit("kept", {"room": room, "number": number}, to=room)

    def add_basket(self, room: str, names: list[str]) -> None:
        self._baskets.append(Basket(room, Selection(tuple(names))))

    def run(self, rooms: list[str], interval: float, seconds: float, pad: int) -> None:
        end = SystemClock().monotonic() + seconds
        self._socketio.start_background_task(self._run_baskets, rooms, interval / 10)
        while SystemClock().monotonic() < end:
            for room in rooms:
                self.emit(room, pad)
            self._socketio.sleep(interval)
        self._running = False
        self._emit_baskets(rooms)
        self._socketio.emit("end", {room: self.number(room) for room in rooms})

    def _run_baskets(self, rooms: list[str], interval: float) -> None:
        # Beside the rooms' events, so that it meets some of them on their way.
        while self._running:
            self._emit_baskets(rooms)
            self._socketio.sleep(interval)

    def _emit_baskets(self, rooms: list[str]) -> None:
        pieces = Pieces({room: self.number(room) for room in rooms})
        self._transports.emit_joined("basket", pieces, list(self._baskets), "/")


def build(settings: dict[str, Any], turns: Turns) -> tuple[Flask, SocketIO, Transports, list[str]]:
    app = Flask(__name__)
    own = settings["engine"] == "crs"
    fan.SLICE_SECONDS = settings["slice"]
    log = logging.getLogger("quiet")
    log.addFilter(QuietLog())
    log.setLevel(logging.ERROR)
    engine: dict[str, Any] = {}
    if own:
        keys = {"latest": lambda payload: payload["room"], "basket": lambda _numbers: "basket"}
        engine = {
            "client_manager": RoomManager(keys, settings["deflate"], turns),
            "serializer": EnginePacket,
        }
    socketio = SocketIO(
        app,
        async_mode=green.ASYNC_MODE,
        json=codec,
        always_connect=True,
        async_handlers=False,
        manage_session=False,
        cors_allowed_origins="*",
        max_http_buffer_size=settings["limit"],
        ping_interval=settings["ping_interval"],
        ping_timeout=settings["ping_timeout"],
        logger=log,
        engineio_logger=log,
        **engine,
    )
    closed: list[str] = []
    kind: type[Transports] = EngineTransports if own else StockTransports
    transports = kind(socketio.server, SystemClock(), closed.append)

    def sweep() -> None:
        while True:
            socketio.sleep(0.5)
            transports.sweep()

    socketio.start_background_task(sweep)
    return app, socketio, transports, closed


def handlers(socketio: SocketIO, transports: Transports, closed: list[str]) -> None:
    server = socketio.server
    streams = Streams(socketio, transports)
    events: list[list[str]] = []

    def identity(_eio_sid: str, auth: Any) -> Identity | None:
        claims = auth.get("claims") if isinstance(auth, dict) else None
        return None if claims is None else Identity(*claims)

    def connected(sid: str, _environ: Any, auth: Any = None, grounds: Any = None) -> None:
        transports.accept(server.manager.eio_sid_from_sid(sid, "/"))
        server.emit("auth", {} if auth is None else auth, to=sid)
        if grounds is not None:
            server.emit("grounds", grounds, to=sid)

    def connected_custom(sid: str, _environ: Any, auth: Any = None) -> None:
        server.emit("auth", {} if auth is None else auth, to=sid, namespace="/custom")

    def join(sid: str, room: str) -> int:
        server.enter_room(sid, room)
        return streams.number(room)

    def leave(sid: str, room: str) -> int:
        server.leave_room(sid, room)
        return streams.number(room)

    def basket(sid: str, names: list[str]) -> None:
        server.enter_room(sid, f"basket:{sid}")
        streams.add_basket(f"basket:{sid}", names)

    def run(_sid: str, options: dict[str, Any]) -> None:
        socketio.start_background_task(streams.run, **options)

    def ask(sid: str, value: Any) -> None:
        server.emit(
            "question",
            value,
            to=sid,
            callback=lambda *answer: server.emit("answered", list(answer), to=sid),
        )

    def emit_placed(_sid: str, room: str, value: Any, place: str) -> None:
        server.manager.emit("placed", value, "/", room=room, place=place)

    transports.identify(identity)
    server.on("connect", connected)
    server.on("disconnect", lambda sid, reason: events.append([sid, reason]))
    server.on("message", lambda sid, *args: server.emit("message-back", args, to=sid))
    server.on("message-with-ack", lambda _sid, *args: args)
    server.on("ask", ask)
    server.on("join", join)
    server.on("leave", leave)
    server.on("basket", basket)
    server.on("run", run)
    server.on("emit", lambda _sid, room, pad: streams.emit(room, pad))
    server.on("emit-latest", lambda _sid, room, pad: streams.emit_latest(room, pad))
    server.on("emit-placed", emit_placed)
    server.on("closed", lambda _sid: closed)
    server.on("events", lambda _sid: events)
    server.on("sessions", lambda _sid: len(server.eio.sockets))
    server.on("connect", connected_custom, namespace="/custom")
    server.on(
        "message",
        lambda sid, *args: server.emit("message-back", args, to=sid, namespace="/custom"),
        namespace="/custom",
    )


def main() -> None:
    logging.basicConfig(level=logging.INFO)
    settings = {**DEFAULTS, **json.loads(sys.argv[1])}
    turns = Turns(SystemClock())
    app, socketio, transports, closed = build(settings, turns)
    handlers(socketio, transports, closed)
    listener = listen("127.0.0.1", 0)
    print("PORT", listener.getsockname()[1], flush=True)
    places = Places(settings["slots"])
    HttpServer(app, places, turns, closed.append, sys.stderr).start(listener)
    green.Event().wait()


if __name__ == "__main__":
    main()
