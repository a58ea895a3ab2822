"""The upgrade of a polling session: a WebSocket that has to prove itself before it takes over."""

from typing import Any

from eventlet.hubs import get_hub

from backend.fanout.connection import RECEIVE_BYTES, Connection
from backend.fanout.frame import PROTOCOL_VIOLATION, TEXT, close_frame, frame
from backend.fanout.inbound import FrameReader, ProtocolViolation

# From the WebSocket's handshake to its last packet of the upgrade; then polling goes on.
UPGRADE_SECONDS = 10.0

_PROBE, _PROBE_ANSWER, _UPGRADE = b"2probe", b"3probe", b"5"


class Probe:
    """Answers a probe, then hands the socket to the session. Until then the session polls."""

    def __init__(self, connection: Connection, sock: Any, slots: Any, deflate: bool) -> None:
        self._connection = connection
        self._sock = sock
        self._slots = slots
        self._deflate = deflate
        self._reader = FrameReader(connection.engine.max_http_buffer_size, deflate)
        self._expected = _PROBE
        self._listener: Any = None
        self._timer: Any = None
        self._done = False

    def start(self, early: bytes) -> None:
        hub = get_hub()
        self._timer = hub.schedule_call_global(UPGRADE_SECONDS, self._fail)
        hub.schedule_call_global(0, self._listen, early)

    def _listen(self, early: bytes) -> None:
        hub = get_hub()
        fileno = self._sock.fileno()
        self._listener = hub.add(hub.READ, fileno, self._readable, lambda _error: None, None)
        if early:
            self._received(early)

    def _readable(self, _fileno: int) -> None:
        if self._listener is None:
            return  # the hub had gathered this call before the listener was removed
        try:
            data = self._sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._received(data)
        else:
            self._fail()

    def _received(self, data: bytes) -> None:
        frames = self._reader.feed(data)
        try:
            for opcode, payload in frames:
                if opcode != TEXT or payload != self._expected:
                    raise ProtocolViolation(PROTOCOL_VIOLATION, "not the packet of an upgrade")
                if payload == _UPGRADE:
                    self._succeed()
                    return
                self._sock.send(frame(TEXT, _PROBE_ANSWER))
                self._expected = _UPGRADE
                polling = self._connection.polling
                if polling is None:
                    raise ProtocolViolation(PROTOCOL_VIOLATION, "upgraded already")
                # The client waits for its poll to end before it sends the last packet.
                polling.upgrading = True
                polling.wake()
        except (ProtocolViolation, OSError):
            self._fail()

    def _leave(self) -> None:
        self._done = True
        self._timer.cancel()
        if self._listener is not None:
            get_hub().remove(self._listener)
            self._listener = None

    def _succeed(self) -> None:
        connection = self._connection
        if connection.closing or connection.upgraded:
            self._fail()
            return
        self._leave()
        rest = self._reader.rest
        connection.polling.wake()
        connection.polling = None
        connection.open_websocket(self._sock, self._slots, self._deflate, rest)

    def _fail(self) -> None:
        """Give the socket up; the session goes on polling."""
        if self._done:
            return
        self._leave()
        if not self._connection.upgraded and self._connection.polling is not None:
            self._connection.polling.upgrading = False
        engine = self._connection.engine
        try:
            self._sock.send(close_frame(PROTOCOL_VIOLATION))
        except OSError:
            engine.release(self._sock, self._slots)
        else:
            engine.linger(self._sock, self._slots)
