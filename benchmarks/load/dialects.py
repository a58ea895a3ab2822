"""What a client says to be connected, authenticated and subscribed: a script for each protocol."""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backend.auth.claims import AUDIENCE, ISSUER
from backend.auth.keys import Keyring
from benchmarks.load.frames import BINARY, client_frame
from benchmarks.load.handshake import STREAM_PATH, upgrade


@dataclass(frozen=True, slots=True)
class Dialect:
    """`upgrade` is sent first (None: frames flow at once); then each step is an awaited piece of
    a message and the frame that answers it (None: nothing)."""

    upgrade: bytes | None
    steps: tuple[tuple[bytes, bytes | None], ...]
    socketio: bool = False


# Makes a client's dialect from its number and its symbols.
Maker = Callable[[int, tuple[str, ...]], Dialect]


def access_token(secret: str, user_id: int) -> str:
    """A genuine access token, each of a login of its own."""
    now = int(time.time())
    claims = {
        "sub": str(user_id + 1),
        "sid": uuid.uuid4().hex,
        "jti": uuid.uuid4().hex,
        "type": "access",
        "fresh": False,
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + 3600,
    }
    return Keyring(secret).sign(claims)


def socketio(secret: str, deflate: bool = False) -> Maker:
    """Socket.IO over WebSocket, as socket.io-client does it."""

    def make(number: int, symbols: tuple[str, ...]) -> Dialect:
        return subscriber(access_token(secret, number), {"symbols": symbols}, deflate)

    return make


def subscriber(token: str, subscription: dict[str, Any], deflate: bool = False) -> Dialect:
    """Likewise for one client, with a token and a subscription of its own."""
    connect = b"40" + _json({"token": token})
    subscribe = b"42" + _json(["subscribe", subscription])
    return Dialect(
        upgrade(STREAM_PATH, deflate),
        (
            (b'0{"sid"', client_frame(connect)),
            (b'40{"sid"', client_frame(subscribe)),
            (b'["subscription_confirmed"', None),
        ),
        socketio=True,
    )


def socketio_msgpack(secret: str) -> Maker:
    """Likewise with socket.io-msgpack-parser: packets are MessagePack maps in binary frames."""
    import msgpack

    def frame(kind: int, data: Any) -> bytes:
        return client_frame(msgpack.packb({"type": kind, "data": data, "nsp": "/"}), BINARY)

    def make(number: int, symbols: tuple[str, ...]) -> Dialect:
        connect = frame(0, {"token": access_token(secret, number)})
        subscribe = frame(2, ["subscribe", {"symbols": symbols}])
        return Dialect(
            upgrade(STREAM_PATH),
            ((b'0{"sid"', connect), (b"sid", subscribe), (b"subscription_confirmed", None)),
            socketio=True,
        )

    return make


def topics(_number: int, symbols: tuple[str, ...]) -> Dialect:
    """A plain WebSocket whose first message names the topics."""
    subscribe = client_frame(_json({"symbols": symbols}))
    return Dialect(upgrade("/"), ((b"ready", subscribe), (b"subscribed", None)))


def bare(_number: int, _symbols: tuple[str, ...]) -> Dialect:
    """A socket that is written to from its acceptance on."""
    return Dialect(None, ())


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
