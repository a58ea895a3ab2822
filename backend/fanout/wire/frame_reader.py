"""What a client sends over a WebSocket: bytes in, whole messages out (RFC 6455, RFC 7692).

Everything is bounded: a message in all its fragments, inflated, and what is buffered of it.
"""

import struct
import zlib
from collections.abc import Iterator

from backend.fanout.wire.frame import (
    BINARY,
    CLOSE,
    CONTINUATION,
    NOT_UTF8,
    PING,
    PONG,
    PROTOCOL_VIOLATION,
    TEXT,
    TOO_BIG,
)

_CONTROL = 0x08
_OPCODES = frozenset((CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG))
# What a compressed message ends with, and the wire leaves out (RFC 7692 7.2.2).
_DEFLATE_TAIL = b"\x00\x00\xff\xff"
# Empty fragments cost no bytes of the limit, but time; no client has a use for more.
FRAGMENTS_MAX = 1_024


class ProtocolViolation(Exception):
    """The client broke the protocol: close with `code` (RFC 6455 7.4.1) and the message."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


def unmask(data: bytes, mask: bytes) -> bytes:
    """XOR with the repeated four bytes of `mask`, in one step however long the data is."""
    length = len(data)
    key = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(data, "little") ^ int.from_bytes(key, "little")).to_bytes(
        length, "little"
    )


class FrameReader:
    """Puts one connection's frames together. `limit` is the most bytes of one message."""

    __slots__ = ("_limit", "_deflate", "_rest", "_at", "_opcode", "_compressed", "_parts", "_size")

    def __init__(self, limit: int, deflate: bool, rest: bytes = b"") -> None:
        """`rest` has been read already; the next `feed` begins with it."""
        self._limit = limit
        self._deflate = deflate
        self._rest = rest
        self._at = 0
        self._opcode = CONTINUATION  # of the message whose fragments are being read
        self._compressed = False
        self._parts: list[bytes] | None = None
        self._size = 0

    def feed(self, data: bytes) -> Iterator[tuple[int, bytes]]:
        """Whole messages and control frames as (opcode, payload), and (CONTINUATION, b"") for a
        fragment that completes none; raises `ProtocolViolation`. May be left before its end: what
        it has not given then is given by the next call."""
        data = self.rest + data
        self._rest, self._at = data, 0
        position, end = 0, len(data)
        while end - position >= 2:
            first, second = data[position], data[position + 1]
            self._check_header(first, second)
            length = second & 0x7F
            start = position + 2
            if length == 126:
                start += 2
                if end < start:
                    break
                (length,) = struct.unpack_from("!H", data, position + 2)
            elif length == 127:
                start += 8
                if end < start:
                    break
                (length,) = struct.unpack_from("!Q", data, position + 2)
            # Refused by its header: none of an oversized frame is waited for.
            if not first & _CONTROL and length + self._size > self._limit:
                raise ProtocolViolation(TOO_BIG, "message too big")
            start += 4
            if end < start + length:
                break
            payload = unmask(data[start : start + length], data[start - 4 : start])
            self._at = position = start + length
            opcode = first & 0x0F
            if opcode & _CONTROL:
                yield opcode, payload
            else:
                yield self._add(opcode, first, payload) or (CONTINUATION, b"")
        self._rest, self._at = data[position:], 0

    @property
    def rest(self) -> bytes:
        """What follows the message that `feed` has given last."""
        return self._rest[self._at :] if self._at else self._rest

    def _check_header(self, first: int, second: int) -> None:
        opcode = first & 0x0F
        if opcode not in _OPCODES:
            raise ProtocolViolation(PROTOCOL_VIOLATION, "unknown opcode")
        if not second & 0x80:
            raise ProtocolViolation(PROTOCOL_VIOLATION, "a client has to mask its frames")
        if first & 0x30 or (first & 0x40 and not (self._deflate and opcode in (TEXT, BINARY))):
            raise ProtocolViolation(PROTOCOL_VIOLATION, "reserved bits are set")
        if opcode & _CONTROL:
            if not first & 0x80 or second & 0x7F > 125:
                raise ProtocolViolation(PROTOCOL_VIOLATION, "control frame fragmented or too long")
        elif (opcode == CONTINUATION) is (self._parts is None):
            raise ProtocolViolation(PROTOCOL_VIOLATION, "fragments out of order")

    def _add(self, opcode: int, first: int, payload: bytes) -> tuple[int, bytes] | None:
        """The message that a data frame completes, if it does."""
        if self._parts is None:
            if first & 0x80:
                return opcode, self._inflate(payload) if first & 0x40 else payload
            self._parts = []
            self._opcode = opcode
            self._compressed = bool(first & 0x40)
        self._parts.append(payload)
        self._size += len(payload)
        if not first & 0x80:
            if len(self._parts) > FRAGMENTS_MAX:
                raise ProtocolViolation(TOO_BIG, "too many fragments")
            return None
        message = b"".join(self._parts)
        self._parts, self._size = None, 0
        return self._opcode, self._inflate(message) if self._compressed else message

    def _inflate(self, data: bytes) -> bytes:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            # One byte over the limit is enough to know that there is more.
            message = inflater.decompress(data + _DEFLATE_TAIL, self._limit + 1)
        except zlib.error as error:
            raise ProtocolViolation(NOT_UTF8, "not deflate data") from error
        if len(message) > self._limit:
            raise ProtocolViolation(TOO_BIG, "message too big")
        return message
