"""The request that opens a WebSocket."""

import base64
import os

STREAM_PATH = "/socket.io/?EIO=4&transport=websocket"
# What a current browser offers.
OFFER_DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


def upgrade(path: str, deflate: bool = False) -> bytes:
    """The request, with a fresh key."""
    key = base64.b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
        f"{OFFER_DEFLATE if deflate else ''}\r\n"
    ).encode()
