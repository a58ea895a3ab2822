"""What stands between the Engine.IO driver and Socket.IO: limits, protocol errors, closing.

Enters through the driver's seam (`eio._async`, `eio.on`) on one server instance; no module is
patched, and application code never sees it. Knows nothing of markets.
"""

import logging
from collections.abc import Callable
from typing import Any

from engineio.async_drivers.eventlet import WebSocketWSGI
from engineio.exceptions import EngineIOError

from backend.clock import Clock

logger = logging.getLogger(__name__)

# Packets that may wait for one connection. At the default cadence that is over ten minutes of
# updates, and it bounds a connection that does not read to about 1 MB.
OUTBOX_PACKETS_MAX = 512
# A transport on which nobody takes part in Socket.IO is closed after this long: a client sends
# CONNECT within a round trip, so only what is broken or hostile is hit.
IDLE_TRANSPORT_SECONDS = 10.0
# A refused client is given this long to fetch what was sent to it (a poll may be on its way) ...
FAREWELL_SECONDS = 5.0
FAREWELL_STEP_SECONDS = 0.05
# ... and this long to close by itself once it has.
LINGER_SECONDS = 0.2

PROTOCOL_ERROR = "protocol_error"
SLOW_CONSUMER = "slow_consumer"
NEVER_CONNECTED = "never_connected"


class QuietLog(logging.Filter):
    """Lets each kind of message of the libraries through once, and without its traceback.

    They log an exception with a traceback for every bad packet, which lets a client fill a disk.
    A kind is a message before its arguments are filled in, so their number is bounded by the code.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        kind = str(record.msg)
        if kind in self._seen:
            return False
        self._seen.add(kind)
        record.exc_info = None
        return True


class Transports:
    """The Engine.IO sockets of one `socketio.Server`."""

    def __init__(
        self,
        server: Any,
        clock: Clock,
        new_limit: Callable[[], Callable[[], float]],
        on_closed: Callable[[str], None],
    ) -> None:
        """`new_limit` makes a connection's rate limit: called for each message, it returns the
        seconds to wait. `on_closed` is told why, whenever this class closes a connection."""
        self._server = server
        self._eio = server.eio
        self._clock = clock
        self._new_limit = new_limit
        self._on_closed = on_closed
        self._limits: dict[str, Callable[[], float]] = {}
        self._strangers: dict[str, float] = {}
        self._logged: set[str] = set()
        self._handlers = dict(self._eio.handlers)
        self._eio.on("connect", self._connect)
        self._eio.on("message", self._message)
        self._eio.on("disconnect", self._disconnect)
        self._eio._async = {**self._eio._async, "websocket": self._endpoint}

    def close_after_farewell(self, eio_sid: str) -> None:
        """Close a transport once what was sent to it has been fetched. Takes up to
        `FAREWELL_SECONDS`, so it is run as a background task."""
        deadline = self._clock.monotonic() + FAREWELL_SECONDS
        while (socket := self._eio.sockets.get(eio_sid)) and not socket.queue.empty():
            if self._clock.monotonic() >= deadline:
                break
            self._eio.sleep(FAREWELL_STEP_SECONDS)
        self._eio.sleep(LINGER_SECONDS)
        self.close(eio_sid)

    def close(self, eio_sid: str) -> None:
        """Close a transport now, so that a client that was not told to stay away comes back."""
        socket = self._eio.sockets.get(eio_sid)
        if socket is not None:
            socket.close(wait=False, abort=True)

    def close_all(self) -> None:
        """Close every transport; clients reconnect by themselves."""
        for eio_sid in list(self._eio.sockets):
            self.close(eio_sid)

    def sweep(self) -> None:
        """Close what does not read, and what never took part. Called about once a second."""
        now = self._clock.monotonic()
        strangers = {}
        for eio_sid, socket in list(self._eio.sockets.items()):
            if socket.closed:
                continue  # the driver takes it out of its list a little later
            if socket.queue.qsize() > OUTBOX_PACKETS_MAX:
                self._close_for(eio_sid, SLOW_CONSUMER)
            elif self._server.manager.sid_from_eio_sid(eio_sid, "/") is None:
                strangers[eio_sid] = since = self._strangers.get(eio_sid, now)
                if now - since > IDLE_TRANSPORT_SECONDS:
                    self._close_for(eio_sid, NEVER_CONNECTED)
        self._strangers = strangers

    def _connect(self, eio_sid: str, environ: dict[str, Any]) -> Any:
        self._limits[eio_sid] = self._new_limit()
        return self._handlers["connect"](eio_sid, environ)

    def _disconnect(self, eio_sid: str, reason: str) -> None:
        self._limits.pop(eio_sid, None)
        self._handlers["disconnect"](eio_sid, reason)

    def _message(self, eio_sid: str, data: str | bytes) -> None:
        limit = self._limits.get(eio_sid)
        if limit is None:
            return  # closed a moment ago; what was still in the socket's buffer is not for us
        if wait := limit():
            self._eio.sleep(wait)
        try:
            self._handlers["message"](eio_sid, data)
        except Exception as error:
            self._protocol_error(eio_sid, error)

    def _endpoint(self, handler: Callable[[Any], Any], server: Any) -> Any:
        """The driver's WebSocket endpoint, around a handler whose errors are the client's."""
        eio_sid = handler.__self__.sid  # type: ignore[attr-defined]

        def guarded(websocket: Any) -> Any:
            try:
                return handler(websocket)
            except (ValueError, TypeError, IndexError, EngineIOError) as error:
                self._protocol_error(eio_sid, error)
                return []

        endpoint = WebSocketWSGI(guarded, server)

        def without_deflate(environ: dict[str, Any], start_response: Any) -> Any:
            # The driver would deflate each frame for each client with its own 0.2 MB context, at
            # seven times the cost of sending it plain; the handshake header alone decides.
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
            return endpoint(environ, start_response)

        return without_deflate

    def _protocol_error(self, eio_sid: str, error: Exception) -> None:
        kind = type(error).__name__
        if kind not in self._logged:
            self._logged.add(kind)
            logger.info("A client broke the protocol (%s); its connection is closed", kind)
        self._close_for(eio_sid, PROTOCOL_ERROR)

    def _close_for(self, eio_sid: str, reason: str) -> None:
        if reason not in self._logged:
            self._logged.add(reason)
            logger.warning("Closing connections for %s; counted in /metrics from here on", reason)
        self._on_closed(reason)
        self.close(eio_sid)
