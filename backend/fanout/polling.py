"""HTTP long polling: the requests that carry a session before, or instead of, a WebSocket."""

import base64
import binascii
from typing import Any

from eventlet.event import Event

from backend.fanout.connection import Connection, Inbound
from backend.fanout.frame import NOT_UTF8, PROTOCOL_VIOLATION, TOO_BIG
from backend.fanout.inbound import ProtocolViolation

SEPARATOR = "\x1e"
NOOP = b"6"


class PollRefused(Exception):
    """The request can't be served: answer 400."""


class Polling:
    """The polls of one session. `upgrading`: a WebSocket is about to take over, so that polls
    are answered at once."""

    __slots__ = ("_connection", "_waiting", "_last", "upgrading", "posting")

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._waiting: Event | None = None
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

    def get(self) -> bytes:
        """The body of a poll, once there is one; raises `PollRefused`."""
        connection = self._connection
        if self._waiting is not None:
            # Two at once would take each other's packets: the session ends, as the protocol asks.
            self._last = b"1"
            connection.close(abort=True, reason=connection.engine.reason.TRANSPORT_ERROR)
            raise PollRefused("overlapping polls")
        if not connection.unsent() and not self.upgrading:
            self._waiting = Event()
            try:
                self._waiting.wait()
            finally:
                self._waiting = None
        form = connection.form
        messages = connection.take()
        packets = [message.polled(form) for message in messages]
        if connection.closed:
            if self._last is None and not packets:
                raise PollRefused("the session has ended")
            packets += [self._last] if self._last is not None else []
        return SEPARATOR.encode().join(packets) or NOOP

    def post(self, body: bytes) -> None:
        """Take in what a client posts; returns when it has been handled, which is what slows
        down one that sends too much. Raises `ProtocolViolation`."""
        connection = self._connection
        if self.posting:
            raise ProtocolViolation(PROTOCOL_VIOLATION, "overlapping posts")
        self.posting = True
        try:
            connection.receive_payload(decode(body))
        finally:
            self.posting = False


def decode(body: bytes) -> list[Inbound]:
    """The packets of a payload; raises `ProtocolViolation`."""
    try:
        texts = body.decode().split(SEPARATOR)
    except UnicodeDecodeError as error:
        raise ProtocolViolation(NOT_UTF8, "payload is not UTF-8") from error
    return [_attachment(text) if text[:1] == "b" else text for text in texts]


def _attachment(text: str) -> bytes:
    try:
        return base64.b64decode(text[1:], validate=True)
    except binascii.Error as error:
        raise ProtocolViolation(PROTOCOL_VIOLATION, "an attachment is not base64") from error


def read_body(environ: dict[str, Any], limit: int) -> bytes:
    """The body of a POST; raises `ProtocolViolation` where it is larger than `limit`."""
    source = environ["wsgi.input"]
    length = environ.get("CONTENT_LENGTH")
    if length and int(length) > limit:
        raise ProtocolViolation(TOO_BIG, "payload too big")
    body: bytes = source.read(int(length) if length else limit + 1)
    if len(body) > limit:
        raise ProtocolViolation(TOO_BIG, "payload too big")
    return body
