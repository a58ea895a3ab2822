"""The driver's own Engine.IO server, with what it leaves open closed: `FANOUT_ENGINE=stock`.

Enters through the driver's seam (`eio._async`, `eio.on`) on one server instance; no module is
patched.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from engineio.exceptions import EngineIOError

from backend.clock import Clock
from backend.fanout.fan import in_slices
from backend.fanout.identity import Decide
from backend.fanout.transport import PROTOCOL_ERROR, Transports
from backend.fanout.wire.frame import TOO_BIG
from backend.fanout.wire.pieces import Basket, Joined, Pieces, Sent
from backend.http.exchange import EXCHANGE

# Packets that may wait for one connection. At the default cadence that is over ten minutes of
# updates, and it bounds a connection that does not read to about 1 MB.
OUTBOX_PACKETS_MAX = 512


class StockTransports(Transports):
    """The sessions of `engineio.Server`."""

    def __init__(self, server: Any, clock: Clock, on_closed: Callable[[str], None]) -> None:
        super().__init__(server, clock, on_closed)
        self._eio.on("message", self._message)
        self._websocket = self._eio._async["websocket"]
        self._eio._async = {**self._eio._async, "websocket": self._endpoint}

    def _message(self, eio_sid: str, data: str | bytes) -> None:
        session = self._eio.sockets.get(eio_sid)
        if session is not None:
            self._handle(session, data)

    def _endpoint(self, handler: Callable[[Any], Any], server: Any) -> Any:
        """The driver's WebSocket endpoint, around a handler whose errors are the client's."""
        session = handler.__self__  # type: ignore[attr-defined]

        def guarded(websocket: Any) -> Any:
            self._speak_before_closing(session, websocket)
            try:
                return handler(websocket)
            except (ValueError, TypeError, IndexError, EngineIOError) as error:
                self._protocol_error(session, error)
                return []

        endpoint = self._websocket(guarded, server)

        def without_deflate(environ: dict[str, Any], start_response: Any) -> Any:
            # The driver would deflate each frame for each client with its own 0.2 MB context, at
            # seven times the cost of sending it plain; the handshake header alone decides.
            environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)
            return endpoint(environ, start_response)

        return without_deflate

    def _speak_before_closing(self, session: Any, websocket: Any) -> None:
        """Have a client told that its message is too large before the driver closes for it."""
        close, wait = websocket.close, websocket.wait

        def told(close_data: tuple[int, str] | None = None) -> None:
            if close_data is not None and close_data[0] == TOO_BIG:
                self._on_closed(PROTOCOL_ERROR)
                self._on_too_large(session.sid)
                self._wait_until_fetched(session.sid)
            close(close_data)

        def whole() -> Any:
            # The driver looks at frames; what many of them make together it would only drop.
            data = wait()
            if data is not None and len(data) > self._eio.max_http_buffer_size:
                websocket.close((TOO_BIG, "message too big"))
                return None
            return data

        websocket.close, websocket.wait = told, whole

    def accept(self, eio_sid: str) -> None:
        environ = self._server.environ.get(eio_sid)
        if environ is not None:
            environ[EXCHANGE].place.known()

    def identify(self, _decide: Decide) -> None:
        # The driver's manager gives out ids itself, and its packets are the same for everybody.
        return None

    def emit_joined(
        self, event: str, pieces: Pieces, baskets: Iterable[Basket], namespace: str
    ) -> Sent:
        manager = self._server.manager
        events = deliveries = 0
        for basket in in_slices(baskets, self._clock.monotonic, lambda: self._eio.sleep(0)):
            if basket.selection.of(pieces.json):
                payload = Joined(pieces, basket.selection)
                manager.emit(event, payload, namespace, room=basket.room)
                events += 1
                deliveries += len(list(manager.get_participants(namespace, basket.room)))
        return Sent(events, deliveries)

    def _parted(self, session: Any) -> bool:
        return bool(session.closing or session.closed)

    def _unsent(self, session: Any) -> int:
        return int(session.queue.qsize())

    def _waiting(self) -> list[Any]:
        return [
            session
            for session in list(self._eio.sockets.values())
            if not session.closed and session.queue.qsize()
        ]

    def _polls(self, session: Any) -> bool:
        return not session.upgraded

    def _slow(self) -> list[Any]:
        return [s for s in self._waiting() if s.queue.qsize() > OUTBOX_PACKETS_MAX]

    def _taking_part(self) -> Collection[str]:
        return {eio_sid for _, eio_sid in self._server.manager.get_participants("/", None)}

    def _close(self, session: Any, _code: int, _text: str) -> None:
        session.close(wait=False, abort=True)
