"""One Engine.IO session: its transport, what waits for it, and what it has said.

There is no greenlet for a connection. What it is sent is `outbound`'s matter. What arrives is
read and parsed when the hub says so, and handled in a greenlet that lives for as long as there is
something to handle.
"""

import logging
from collections import deque
from typing import TYPE_CHECKING, Any

import eventlet
from eventlet.hubs import get_hub

from backend.fanout.frame import (
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
from backend.fanout.inbound import FrameReader, ProtocolViolation
from backend.fanout.message import DEFLATED, JSON, MSGPACK, Message
from backend.fanout.outbound import Outbound
from backend.fanout.packet import Attachment

if TYPE_CHECKING:
    from backend.fanout.engine import Engine

logger = logging.getLogger(__name__)

# Read from a socket at once: a whole message of the usual limit, and little to allocate.
RECEIVE_BYTES = 16 * 1024
# After a close frame a client's own is waited for, and what it still sends is thrown away: were
# the socket closed at once, unread bytes would make the kernel drop what was sent last.
LINGER_SECONDS = 2.0

_CLOSE_PACKET = Message.raw(b"1")

Inbound = str | bytes


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
        "_listener",
        "_inbox",
        "_working",
        "_parser_known",
    )

    def __init__(self, engine: "Engine", sid: str) -> None:
        super().__init__(engine, sid)
        self.connected = False
        self.upgraded = False
        self.closed = False
        self.given_up = False  # its close is on its way
        self.bucket = -1
        self.awaits_pong = False
        self.data: dict[str, Any] | None = None
        self._held: Any = None
        self._reader: FrameReader | None = None
        self._listener: Any = None
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

    # --- in ---------------------------------------------------------------------------------------

    def open_websocket(self, sock: Any, hold: Any, deflate: bool, early: bytes) -> None:
        """Carry the session over a WebSocket whose handshake is done. `hold` is the slot that
        the socket takes among the server's connections; `early` has already been read."""
        self._sock = sock
        self._held = hold
        self.form |= DEFLATED if deflate else 0
        self.upgraded = True
        self.connected = True
        self._reader = FrameReader(self.engine.max_http_buffer_size, deflate)
        if not self.unsent():
            self.write = sock.send
        else:
            hub = get_hub()
            self._writer = hub.add(hub.WRITE, sock.fileno(), self._writable, self._gone, None)
            self._writable(0)
        if not self.closing:
            self._listen()
            if early:
                self._received(early)

    def _listen(self) -> None:
        # From the hub's own greenlet: a listener refers to the greenlet that adds it.
        get_hub().schedule_call_global(0, self._start_reading)

    def _start_reading(self) -> None:
        if self._sock is not None and self._listener is None and not self.closing:
            hub = get_hub()
            fileno = self._sock.fileno()
            self._listener = hub.add(hub.READ, fileno, self._readable, self._gone, None)

    def _stop_reading(self) -> None:
        if self._listener is not None:
            get_hub().remove(self._listener)
            self._listener = None

    def _gone(self, _error: object) -> None:
        """The hub's word for a descriptor closed under it; ours are removed before."""

    def _readable(self, _fileno: int) -> None:
        if self._listener is None:
            return  # as above
        if self._working:
            # Until what came has been handled, the kernel keeps what comes: a client that sends
            # faster than it is served is slowed down by TCP.
            self._stop_reading()
            return
        try:
            data = self._sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._received(data)
        else:
            self.lose()

    def _received(self, data: bytes) -> None:
        assert self._reader is not None
        try:
            for opcode, payload in self._reader.feed(data):
                self._handle_frame(opcode, payload)
                if self.closing or self._reader is None:
                    return
        except ProtocolViolation as violation:
            self.engine.violated(self, violation)
        except Exception:
            logger.exception("Reading from a connection failed; it is closed")
            self.lose()

    def _handle_frame(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            try:
                text = payload.decode()
            except UnicodeDecodeError as error:
                raise ProtocolViolation(NOT_UTF8, "text is not UTF-8") from error
            self._received_packet(text)
        elif opcode == PING:
            self._control(frame(PONG, payload))
        elif opcode == CLOSE:
            self._reader = None
            self._stop_reading()
            reason = self.engine.reason.TRANSPORT_CLOSE
            eventlet.spawn_n(self.close, False, True, reason, close_answer(payload))
        elif opcode != PONG:
            self._received_packet(payload)

    def _control(self, data: bytes) -> None:
        message = Message.raw(b"")
        message.forms = [data] * 4
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
            self.engine.heartbeat.pong(self)
        elif packet == "1":
            if self.polling is not None:
                self.polling.wake()
            reason = self.engine.reason.CLIENT_DISCONNECT
            eventlet.spawn_n(self.close, False, True, reason, NORMAL)
        elif kind != "6":
            raise ProtocolViolation(PROTOCOL_VIOLATION, "not an Engine.IO packet for a server")

    def _message(self, data: Inbound) -> None:
        if not self._parser_known:
            # A client's parser shows in its first message: CONNECT has no attachment.
            self._parser_known = True
            if isinstance(data, bytes):
                self.form |= MSGPACK
        elif isinstance(data, bytes):
            data = data if self.form >= MSGPACK else Attachment(data)
        elif self.form >= MSGPACK:
            raise ProtocolViolation(PROTOCOL_VIOLATION, "text from a client that sent MessagePack")
        if self._inbox is None:
            self._inbox = deque()
        self._inbox.append(data)
        if not self._working:
            self._working = True
            eventlet.spawn_n(self._work)

    def _work(self) -> None:
        """Handle what has come, message by message, then read on."""
        try:
            while self._inbox and not self.closed:
                self.cork()
                self.engine.handle_message(self, self._inbox.popleft())
        finally:
            self.uncork()
            self._working = False
            self._inbox = None
            if self._sock is not None and self._listener is None and not self.closing:
                self._listen()

    # --- the end ----------------------------------------------------------------------------------

    def _give_up(self) -> None:
        self.engine.give_up(self)

    def lose(self) -> None:
        """The transport has failed or ended: end the session. Safe to call from the hub."""
        self.block()
        self._stop_reading()
        self._stop_writer()
        reason = self.engine.reason.TRANSPORT_CLOSE
        eventlet.spawn_n(self.close, False, True, reason, None)

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
        self._stop_reading()
        engine = self.engine
        engine.heartbeat.forget(self)
        engine.ended(self, reason or engine.reason.SERVER_DISCONNECT)
        self.closed = True
        self.block()
        self._stop_writer()
        if self._sock is not None:
            self._close_socket(code, abort, text)
        if self.polling is not None:
            self.polling.end(b"1" if not abort else None)
        self._outbox = self._inbox = self._tail = self._reader = None

    def _close_socket(self, code: int | None, abort: bool, text: str) -> None:
        sock, self._sock = self._sock, None
        stuck = self._tail is not None
        if code is not None and not stuck:
            farewell = b"" if abort else _CLOSE_PACKET.render(JSON)
            try:
                sock.send(self._batch() + farewell + close_frame(code, text))
                self.engine.linger(sock, self._held)
                return
            except OSError:
                pass  # the client has gone already; there is nobody to be told
        # What a client does not read is not kept for it by the kernel either.
        self.engine.release(sock, self._held, reset=stuck)
