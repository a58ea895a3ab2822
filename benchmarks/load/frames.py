"""WebSocket frames as a client writes them (RFC 6455, 5.2)."""

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN = 0x80
# Set on a message that is deflated (RFC 7692, 6).
RSV1 = 0x40
MASK = bytes.fromhex("37fa213d")


def client_frame(payload: bytes, opcode: int = TEXT, flags: int = FIN) -> bytes:
    """One masked frame; `flags` are the bits beside the opcode."""
    length = len(payload)
    if length < 126:
        header = bytes((flags | opcode, 0x80 | length))
    elif length < 65_536:
        header = bytes((flags | opcode, 0x80 | 126)) + length.to_bytes(2, "big")
    else:
        header = bytes((flags | opcode, 0x80 | 127)) + length.to_bytes(8, "big")
    key = (MASK * (length // 4 + 1))[:length]
    masked = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return header + MASK + masked.to_bytes(length, "big")


def server_frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """One frame as a server writes it, for the bare loop."""
    length = len(payload)
    if length < 126:
        return bytes((FIN | opcode, length)) + payload
    if length < 65_536:
        return bytes((FIN | opcode, 126)) + length.to_bytes(2, "big") + payload
    return bytes((FIN | opcode, 127)) + length.to_bytes(8, "big") + payload
