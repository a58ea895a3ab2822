"""WebSocket frames as a server writes them (RFC 6455 5.2), and what may come with them.

A server's frames are not masked, so the same bytes can go to every connection.
"""

import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

# Close codes of RFC 6455 7.4.1, and when this server sends them.
NORMAL = 1000  # the session has ended
GOING_AWAY = 1001  # the client may come back
PROTOCOL_VIOLATION = 1002
NOT_UTF8 = 1007
POLICY = 1008  # the reason says which: slow_consumer, never_connected
TOO_BIG = 1009

_FINAL = 0x80
_COMPRESSED = 0x40
_SHORT = struct.Struct("!BB").pack
_MEDIUM = struct.Struct("!BBH").pack
_LONG = struct.Struct("!BBQ").pack


def frame(opcode: int, payload: bytes, compressed: bool = False) -> bytes:
    """One unfragmented frame; `compressed` says that the payload is (RFC 7692 7.2.1)."""
    first = _FINAL | opcode | (_COMPRESSED if compressed else 0)
    length = len(payload)
    if length < 126:
        return _SHORT(first, length) + payload
    if length < 65_536:
        return _MEDIUM(first, 126, length) + payload
    return _LONG(first, 127, length) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """A close frame; a reason is cut to the 123 bytes that a control frame has room for."""
    return frame(CLOSE, struct.pack("!H", code) + reason.encode()[:123])


def close_answer(payload: bytes) -> int:
    """The code to answer a client's close frame with: its own, where it may send that one."""
    if not payload:
        return NORMAL
    code = int.from_bytes(payload[:2], "big")
    sendable = 1000 <= code <= 1014 and code not in (1004, 1005, 1006) or 3000 <= code <= 4999
    return code if sendable else PROTOCOL_VIOLATION
