"""One Engine.IO session: its transport, what waits for it, and what it has said.

There is no greenlet for a connection. What it is sent is `outbound`'s matter. What arrives is
read and parsed when the hub says so, and handled in a greenlet that lives for as long as there is
something to handle.

A little over 300 lines: the way in and the end share all of a session's state.
"""

import logging
from collections import deque
from typing import Any

from backend import green
from backend.fanout.sessions.host import Host, Reason
from backend.fanout.sessions.outbound import Outbound
from backend.fanout.sessions.socket_reader import SocketReader
from backend.fanout.sessions.sockets import HeldSocket
from backend.fanout.wire.frame import (
    BINARY,
    CLOSE,
    GOING_AWAY,
    NORMAL,
    NOT_UTF8,
    PING,
    PONG,
    PROTOCOL_VIOLATION,
    TEXT,
    close_answer,
    close_frame,
    frame,
)
from backend.fanout.wire.frame_reader import FrameReader, ProtocolViolation
from backend.fanout.wire.message import DEFLATED, FORMS, JSON, MSGPACK, PLACED, Message
from backend.fanout.wire.packet import Attachment
from backend.fanout.wire.payload import Inbound
from backend.turns import Share

logger = logging.getLogger(__name__)

# Of one connection, before others have their turn: half a millisecond's worth.
FRAMES_PER_TURN = 64

_CLOSE_PACKET = Message.raw(b"1")


class Connection(Outbound):
    """An Engine.IO session. Its public attributes are read by the rest of the engine only."""

    __slots__ = (
        "connected",
        "upgraded",
        "closed",
        "given_up",
        "bucket",
        "awaits_pong",
        "data",
        "_held",
        "_reader",
        "_frames",
        "_ping",
        "_inbox",
        "_working",
        "_parser_known",
        "share",
    )

    def __init__(self, host: "Host[Connection]", sid: str, share: Share) -> None:
        super().__init__(host, sid)
        self.share = share
        self.connected = False
        self.upgraded = False
        self.closed = False
        self.given_up = False  # its close is on its way
        self.bucket = -1
        self.awaits_pong = False
        self.data: dict[str, Any] | None = None
        self._held: HeldSocket | None = None
        self._reader: SocketReader | None = None
        self._frames: FrameReader | None = None
        self._ping: bytes | None = None
        self._inbox: deque[Inbound] | None = None
        self._working = False
        self._parser_known = False

    @property
    def session(self) -> dict[str, Any]:
        """What python-socketio keeps for `get_session`."""
        if self.data is None:
            self.data = {}
        return self.data

    @session.setter
    def session(self, value: dict[str, Any]) -> None:
        self.data = value

    def accept(self) -> None:
        """The client's token has been accepted."""
        if self._held is not None:
            self._held.place.known()
        self.share.stranger = False

    def take_places(self) -> None:
        """From here on the client is told the place of each event that has one."""
        self.form |= PLACED

    # --- in ---------------------------------------------------------------------------------------

    def open_websocket(self, held: HeldSocket, deflate: bool, early: bytes) -> None:
        """Carry the session over a WebSocket whose handshake is done; `early` has already been
        read from it."""
        self._held = held
        held.place.holder = self
        if not self.share.stranger:
            held.place.known()
        self.share = held.place.share
        self._sock = held.sock
        self.form |= DEFLATED if deflate else 0
        self.upgraded = True
        self.connected = True
        self._frames = FrameReader(self.host.max_http_buffer_size, deflate, early)
        if not self.unsent():
            self.write = self._sock.send
        else:
            self._writer = green.when_writable(self._sock.fileno(), self._writable)
            self._writable(0)
        if not self.closing:
            self._reader = SocketReader(self._sock, self, self.host.turns, self.share)
            self._reader.start(more=bool(early))
            if self._working:  # on what the last post brought
                self._reader.hold()

    def received(self, data: bytes) -> bool:
        """Take in what the WebSocket has brought, or go on with what is left of that; whether
        there is more than one turn takes. Called by the hub."""
        assert self._frames is not None
        left = FRAMES_PER_TURN
        try:
            for opcode, payload in self._frames.feed(data):
                self._handle_frame(opcode, payload)
                left -= 1
                if self.closing or self._frames is None or not left:
                    break
            if self._ping is not None:
                # The newest answers those before it too (RFC 6455 5.5.3).
                self._control(frame(PONG, self._ping))
                self._ping = None
        except ProtocolViolation as violation:
            self.host.violated(self, violation)
            return False
        except Exception:
            logger.exception("Reading from a connection failed; it is closed")
            self.lose()
            return False
        return not left

    def overdo(self) -> None:
        """More comes than will ever be served. Called by the hub."""
        self.host.overdone(self)

    def _handle_frame(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            try:
                text = payload.decode()
            except UnicodeDecodeError as error:
                raise ProtocolViolation(NOT_UTF8, "text is not UTF-8") from error
            self._received_packet(text)
        elif opcode == PING:
            self._ping = payload
        elif opcode == CLOSE:
            self._frames = None
            self._end_reading()
            self._close_soon(Reason.TRANSPORT_CLOSE, close_answer(payload))
        elif opcode == BINARY:
            self._received_packet(payload)

    def _control(self, data: bytes) -> None:
        message = Message.raw(b"")
        message.forms = [data] * FORMS
        self.send(message)

    def receive_payload(self, packets: list[Inbound]) -> None:
        """Handle the packets of a POST; returns when that is done. Raises `ProtocolViolation`."""
        self._working = True
        try:
            for packet in packets:
                self._received_packet(packet)
        finally:
            self._work()

    def _received_packet(self, packet: Inbound) -> None:
        if isinstance(packet, bytes):
            self._message(packet)
            return
        kind = packet[:1]
        if kind == "4":
            self._message(packet[1:])
        elif kind == "3":
            self.host.ponged(self)
        elif packet == "1":
            if self.polling is not None:
                self.polling.wake()
            self._close_soon(Reason.CLIENT_DISCONNECT, NORMAL)
        elif kind != "6":
            raise ProtocolViolation(PROTOCOL_VIOLATION, "not an Engine.IO packet for a server")

    def _message(self, data: Inbound) -> None:
        if not self._parser_known:
            # A client's parser shows in its first message: CONNECT has no attachment.
            self._parser_known = True
            if isinstance(data, bytes):
                self.form |= MSGPACK
        elif isinstance(data, bytes):
            data = data if self.form & MSGPACK else Attachment(data)
        elif self.form & MSGPACK:
            raise ProtocolViolation(PROTOCOL_VIOLATION, "text from a client that sent MessagePack")
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append(data)
        if not self._working:
            self._working = True
            if self._reader is not None:
                self._reader.hold()
            green.spawn(self._work)

    def _work(self) -> None:
        """Handle what has come, message by message, then read on."""
        try:
            while self._inbox and not self.closed:
                expected = self._wait_for_turn()
                if not self._inbox:
                    break  # closed meanwhile
                self.cork()
                began = self.host.now()
                self.host.handle(self, self._inbox.popleft())
                self.host.message_took(self.host.turns.done(self.share, began, expected))
        finally:
            self.uncork()
            self._working = False
            self._inbox = None
            if self._reader is not None and not self.closing:
                self._reader.start()

    def _wait_for_turn(self) -> float:
        """Returns the seconds that have been charged for it."""
        self.flush()
        if not self.host.turns.free(self.share):
            self.uncork()
        expected = self.host.message_seconds
        self.host.turns.wait(self.share, expected)
        return expected

    # --- the end ----------------------------------------------------------------------------------

    def evicted(self) -> None:
        """The place is wanted for somebody else: the client has shown no token."""
        self.close_soon(Reason.TRANSPORT_ERROR, GOING_AWAY)

    def lose(self) -> None:
        """The transport has failed or ended: end the session. Safe to call from the hub."""
        self._end_reading()
        self._stop_writer()
        self.close_soon(Reason.TRANSPORT_CLOSE, None)

    def close_soon(self, reason: str, code: int | None, text: str = "") -> None:
        """Write nothing from here on, and `close` in a greenlet: for the hub, and for those who
        must not yield."""
        self.block()
        self._close_soon(reason, code, text)

    def _close_soon(self, reason: str, code: int | None, text: str = "") -> None:
        green.spawn(self.close, False, True, reason, code, text)

    def close(
        self,
        wait: bool = True,
        abort: bool = False,
        reason: str | None = None,
        code: int | None = GOING_AWAY,
        text: str = "",
    ) -> None:
        """End the session: tell the application, then the client.

        `abort` leaves out the packet that tells a client to stay away. `code` and `text` go into
        the WebSocket's close frame; None closes without one. `wait` is for the driver's callers
        only: nothing here waits.
        """
        if self.closing:
            return
        self.closing = True
        self._end_reading()
        self.host.ended(self, reason or Reason.SERVER_DISCONNECT)
        self.closed = True
        self.block()
        self._stop_writer()
        if self._sock is not None:
            self._close_socket(code, abort, text)
        if self.polling is not None:
            self.polling.end(b"1" if not abort else None)
        self._outbox = self._inbox = self._tail = self._reader = self._frames = None
        self._got_away()

    def _close_socket(self, code: int | None, abort: bool, text: str) -> None:
        self._sock = None
        assert self._held is not None
        # What a client does not read is not kept for it by the kernel either.
        stuck = self._tail is not None
        if code is None or stuck:
            self._held.close(reset=stuck)
        else:
            farewell = b"" if abort else _CLOSE_PACKET.render(JSON)
            self._held.part(self._batch() + farewell + close_frame(code, text))

    def _end_reading(self) -> None:
        if self._reader is not None:
            self._reader.end()
