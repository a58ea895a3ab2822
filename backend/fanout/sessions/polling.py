"""HTTP long polling: the requests that carry a session before, or instead of, a WebSocket."""

import socket
from typing import Any

from backend import green
from backend.fanout.sessions.connection import Connection
from backend.fanout.sessions.host import Reason
from backend.fanout.sessions.sockets import EndWatch
from backend.fanout.wire import payload
from backend.fanout.wire.frame import PROTOCOL_VIOLATION, TOO_BIG
from backend.fanout.wire.frame_reader import ProtocolViolation

NOOP = b"6"


class PollRefused(Exception):
    """The request can't be served: answer 400."""


class Polling:
    """The polls of one session. `upgrading`: a WebSocket is about to take over, so that polls
    are answered at once."""

    __slots__ = ("_connection", "_waiting", "_last", "upgrading", "posting")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: green.Event | None = None
        self._last: bytes | None = None
        self.upgrading = False
        self.posting = False

    def wake(self) -> None:
        """Something waits for the poll."""
        if self._waiting is not None and not self._waiting.ready():
            self._waiting.send()

    def end(self, packet: bytes | None) -> None:
        """Answer the poll that waits, with `packet` if nothing else does."""
        if self._last is None:
            self._last = packet
        self.wake()

    def get(self, sock: socket.socket) -> bytes:
        """The body of a poll that has come by `sock`, once there is one; raises `PollRefused`."""
        connection = self._connection
        if self._waiting is not None:
            # Two at once would take each other's packets: the session ends, as the protocol asks.
            self._last = b"1"
            connection.close(abort=True, reason=Reason.TRANSPORT_ERROR)
            raise PollRefused("overlapping polls")
        if not connection.unsent() and not self.upgrading:
            self._wait(sock)
        form = connection.form
        messages = connection.take()
        packets = [message.polled(form) for message in messages]
        if connection.closed:
            if self._last is None and not packets:
                raise PollRefused("the session has ended")
            packets += [self._last] if self._last is not None else []
        return payload.join(packets) or NOOP

    def _wait(self, sock: socket.socket) -> None:
        """Until `wake`. A client that goes away meanwhile takes its session with it."""
        self._waiting = green.Event()
        watch = EndWatch(sock, self._left)
        try:
            self._waiting.wait()
        finally:
            watch.stop()
            self._waiting = None

    def _left(self) -> None:
        self._connection.close_soon(Reason.TRANSPORT_ERROR, None)

    def post(self, body: bytes) -> None:
        """Take in what a client posts; returns when it has been handled, which is what slows
        down one that sends too much. Raises `ProtocolViolation`."""
        connection = self._connection
        if self.posting:
            raise ProtocolViolation(PROTOCOL_VIOLATION, "overlapping posts")
        self.posting = True
        try:
            connection.receive_payload(payload.split(body))
        finally:
            self.posting = False


def read_body(environ: dict[str, Any], limit: int) -> bytes:
    """The body of a POST; raises `ProtocolViolation` where it is larger than `limit`."""
    source = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    if length and int(length) > limit:
        raise ProtocolViolation(TOO_BIG, "payload too big")
    try:
        body: bytes = source.read(int(length) if length else limit + 1)
    except OSError as error:
        raise ProtocolViolation(PROTOCOL_VIOLATION, "the payload can't be read") from error
    if len(body) > limit:
        raise ProtocolViolation(TOO_BIG, "payload too big")
    return body
