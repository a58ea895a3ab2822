"""The upgrade of a polling session: a WebSocket that has to prove itself before it takes over."""

from backend import green
from backend.fanout.sessions.connection import Connection
from backend.fanout.sessions.socket_reader import SocketReader
from backend.fanout.sessions.sockets import HeldSocket
from backend.fanout.wire.frame import CONTINUATION, PROTOCOL_VIOLATION, TEXT, close_frame, frame
from backend.fanout.wire.frame_reader import FrameReader, ProtocolViolation

# From the WebSocket's handshake to its last packet of the upgrade; then polling goes on.
UPGRADE_SECONDS = 10.0

_PROBE, _PROBE_ANSWER, _UPGRADE = b"2probe", b"3probe", b"5"


class Probe:
    """Answers a probe, then hands the socket to the session. Until then the session polls."""

    def __init__(self, connection: Connection, held: HeldSocket, deflate: bool) -> None:
        self._connection = connection
        self._held = held
        self._deflate = deflate
        self._reader = SocketReader(held.sock, self, connection.host.turns, held.place.share)
        self._expected = _PROBE
        self._timer = green.call_later(UPGRADE_SECONDS, self.lose)
        self._done = False
        held.place.holder = self

    def start(self, early: bytes) -> None:
        """Wait for the probe; `early` has already been read."""
        limit = self._connection.host.max_http_buffer_size
        self._frames = FrameReader(limit, self._deflate, early)
        self._reader.start(more=bool(early))

    def received(self, data: bytes) -> bool:
        """Take in what the WebSocket has brought. Called by the hub."""
        try:
            for opcode, packet in self._frames.feed(data):
                if opcode == CONTINUATION:
                    continue
                if opcode != TEXT or packet != self._expected:
                    raise ProtocolViolation(PROTOCOL_VIOLATION, "not the packet of an upgrade")
                if packet == _UPGRADE:
                    self._succeed()
                    break
                self._held.sock.send(frame(TEXT, _PROBE_ANSWER))
                self._expected = _UPGRADE
                polling = self._connection.polling
                if polling is None:
                    raise ProtocolViolation(PROTOCOL_VIOLATION, "upgraded already")
                # The client waits for its poll to end before it sends the last packet.
                polling.upgrading = True
                polling.wake()
        except (ProtocolViolation, OSError):
            self.lose()
        return False

    def overdo(self) -> None:
        """An upgrade takes three packets. Called by the hub."""
        self.lose()

    def evicted(self) -> None:
        """The place is wanted for somebody else."""
        self.lose()

    def lose(self) -> None:
        """Give the socket up; the session goes on polling. Called by the hub."""
        if self._done:
            return
        self._leave()
        polling = self._connection.polling
        if not self._connection.upgraded and polling is not None:
            polling.upgrading = False
        self._held.part(close_frame(PROTOCOL_VIOLATION))

    def _leave(self) -> None:
        self._done = True
        self._timer.cancel()
        self._reader.end()

    def _succeed(self) -> None:
        connection = self._connection
        if connection.closing or connection.upgraded:
            self.lose()
            return
        self._leave()
        connection.polling.wake()
        connection.polling = None
        connection.open_websocket(self._held, self._deflate, self._frames.rest)
