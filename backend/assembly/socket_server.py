"""The Socket.IO server beneath the stream, and what runs beneath that: our engine, or the
driver's own."""

import logging
from collections.abc import Callable, Container, Hashable
from functools import partial
from typing import Any

from flask import Flask
from flask_socketio import SocketIO

from backend import green
from backend.clock import Clock
from backend.config import CRS_ENGINE, Settings
from backend.fanout.engine_transports import EngineTransports
from backend.fanout.manager import RoomManager
from backend.fanout.stock import StockTransports
from backend.fanout.transport import QuietLog, Transports
from backend.fanout.wire import codec
from backend.fanout.wire.packet import EnginePacket
from backend.metrics import Metrics
from backend.protocol import CANDLE, MARKET_UPDATE, PRICE_UPDATE
from backend.streaming.limits import MESSAGE_MAX_BYTES
from backend.turns import Turns


def _series_of_forming(candle: Any) -> Hashable | None:
    """A forming candle gives way to the next of its series. One that has closed is kept: it is said
    once, and the newer one that forms takes its place behind it."""
    return None if candle["closed"] else (candle["symbol"], candle["interval"])


# Of these events a client that lags behind gets the latest only, for each of these keys.
LATEST: dict[str, Callable[[Any], Hashable | None]] = {
    MARKET_UPDATE: lambda _quotes: MARKET_UPDATE,
    PRICE_UPDATE: lambda price: price["symbol"],
    CANDLE: _series_of_forming,
}
# A dead peer is noticed after the sum of both.
PING_INTERVAL_SECONDS = 25
PING_TIMEOUT_SECONDS = 20


def create_socketio(app: Flask, settings: Settings, turns: Turns) -> SocketIO:
    """A server for `app` on the engine of the settings."""
    # One filter for both libraries: they log to it only what is an error.
    library_log = logging.getLogger("crs.socketio")
    library_log.addFilter(QuietLog())
    library_log.setLevel(logging.ERROR)
    origins = list(settings.cors_origins)
    engine: dict[str, Any] = {}
    if settings.fanout_engine == CRS_ENGINE:
        engine = {
            "client_manager": RoomManager(LATEST, settings.fanout_deflate, turns),
            "serializer": EnginePacket,
        }
    return SocketIO(
        app,
        async_mode=green.ASYNC_MODE,
        json=codec,
        # So that a refused client is connected for as long as it takes to tell it why.
        always_connect=True,
        # Events of one connection are handled in its own receive loop: in order, and a client
        # that sends too much waits for itself.
        async_handlers=False,
        manage_session=False,
        cors_allowed_origins="*" if "*" in origins else partial(_origin_is_allowed, origins),
        max_http_buffer_size=MESSAGE_MAX_BYTES,
        ping_interval=PING_INTERVAL_SECONDS,
        ping_timeout=PING_TIMEOUT_SECONDS,
        logger=library_log,
        engineio_logger=library_log,
        **engine,
    )


def create_transports(
    socketio: SocketIO, settings: Settings, clock: Clock, metrics: Metrics
) -> Transports:
    """The connections of a server that `create_socketio` made."""
    kind: type[Transports] = (
        EngineTransports if settings.fanout_engine == CRS_ENGINE else StockTransports
    )
    transports = kind(socketio.server, clock, lambda reason: metrics.closed.labels(reason).inc())
    if settings.process_name:
        transports.name_sessions(settings.process_name)
    return transports


def _origin_is_allowed(origins: Container[str], origin: str, environ: dict[str, Any]) -> bool:
    """Whether pages of `origin` may connect: the server's own always may."""
    own = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"
    return origin == own or origin in origins
