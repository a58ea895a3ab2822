"""Everything that reads what a stranger sends, as one function of bytes each.

A function returns, or raises what its caller is ready for; anything else is a fault.
"""

import contextlib
from collections.abc import Callable
from typing import Any

import h11

from backend.auth.keys import Keyring
from backend.auth.tokens import Authenticator, Revocations, TokenRejected
from backend.client_messages import (
    RequestError,
    parse_heartbeat,
    parse_subscribe,
    parse_unsubscribe,
)
from backend.clock import SystemClock
from backend.fanout.wire import codec, handshake, payload
from backend.fanout.wire.frame_reader import FrameReader, ProtocolViolation
from backend.fanout.wire.packet import EnginePacket
from backend.http.addresses import network_of
from backend.http.exchange import Body, BodyFailed
from backend.http.head import END, HEAD_MAX_BYTES, BadRequest, parse
from backend.logs import plain
from backend.streaming.limits import MESSAGE_MAX_BYTES
from tests.attack import corpus

Parser = Callable[[bytes], Any]

SYMBOLS = ("BTC", "ETH")


class Packet(EnginePacket):
    """A packet as the server reads it."""

    json = codec


def frames(data: bytes) -> None:
    """A client's side of a WebSocket, in two pieces."""
    reader = FrameReader(MESSAGE_MAX_BYTES, deflate=True)
    for piece in (data[: len(data) // 3], data[len(data) // 3 :]):
        for _ in reader.feed(piece):
            pass


def text_packet(data: bytes) -> None:
    Packet(encoded_packet=data.decode())


def binary_packet(data: bytes) -> None:
    Packet(encoded_packet=data)


def event(data: bytes) -> None:
    """A packet's arguments, by every reader of events."""
    arguments = tuple(Packet(encoded_packet=data.decode()).data or ())[1:]
    for read in (
        lambda: parse_subscribe(arguments, SYMBOLS),
        lambda: parse_unsubscribe(arguments, SYMBOLS),
        lambda: parse_heartbeat(arguments),
    ):
        with contextlib.suppress(RequestError):
            read()


def polled(data: bytes) -> None:
    for packet in payload.split(data):
        with contextlib.suppress(ValueError):
            Packet(encoded_packet=packet)


def request(data: bytes) -> None:
    """A request's head, its body if it has one, and its handshake."""
    head, end, rest = data.partition(END)
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_MAX_BYTES)
    found = parse(head + end, connection)
    pieces = [rest, b""]
    body = Body(connection, lambda: pieces.pop(0), lambda: None, lambda: None)
    environ = {
        "HTTP_" + name.decode().upper().replace("-", "_"): value.decode("latin-1")
        for name, value in found.headers
    }
    with contextlib.suppress(BodyFailed):
        body.read(MESSAGE_MAX_BYTES)
    handshake.accept(environ, allow_deflate=True)


def token(data: bytes) -> None:
    clock = SystemClock()
    Authenticator(Keyring("s" * 32), Revocations(clock), clock).identify(data.decode("latin-1"))


def words(data: bytes) -> None:
    """What ends in the log, or decides whom a client counts as."""
    text = data.decode("latin-1")
    assert plain(text).isprintable()
    network_of(text)


def tokens() -> list[bytes]:
    """Tokens with their parts mixed up."""
    header, claims = (
        b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9",
        b"eyJzdWIiOiIxIiwiZXhwIjo5OTk5OTk5OTk5fQ",
    )
    return [
        b".".join(parts) for parts in ((header, claims, b"AAAA"), (header, claims), (header,) * 5)
    ]


# By name: the parser, its seeds, and what it may raise.
PARSERS: dict[str, tuple[Parser, list[bytes], tuple[type[Exception], ...]]] = {
    "frames": (frames, corpus.FRAMES, (ProtocolViolation,)),
    "text packets": (text_packet, corpus.PACKETS, (ValueError,)),
    "binary packets": (binary_packet, corpus.BINARY_PACKETS, (ValueError,)),
    "events": (event, corpus.events(), (ValueError,)),
    "polling bodies": (polled, corpus.BODIES + corpus.PACKETS, (ProtocolViolation,)),
    "requests": (request, corpus.REQUESTS, (BadRequest, handshake.BadHandshake)),
    "tokens": (token, tokens(), (TokenRejected,)),
    "words": (words, corpus.TOKENS + [b"127.0.0.1", b"::1", b"1.2.3.4, fe80::1%x"], ()),
}
