"""The HTTP side of a WebSocket: its handshake (RFC 6455 4.2, RFC 7692 7.1)."""

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any

from backend import green
from backend.http.exchange import EXCHANGE

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_DEFLATE = "permessage-deflate"
# Compressed without context, a message is the same for every connection: one is made for all.
_DEFLATE_ANSWER = b"permessage-deflate; server_no_context_takeover; client_no_context_takeover"


class BadHandshake(Exception):
    """Not a WebSocket handshake that can be answered: `status` says why."""

    def __init__(self, status: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(status)
        self.status = status
        self.headers = headers


def is_upgrade(environ: dict[str, Any]) -> bool:
    connection = environ.get("HTTP_CONNECTION", "").lower().split(",")
    return environ.get("HTTP_UPGRADE", "").lower() == "websocket" and "upgrade" in (
        part.strip() for part in connection
    )


def accept(environ: dict[str, Any], allow_deflate: bool) -> tuple[bytes, bool]:
    """The answer to a handshake, and whether messages may be deflated; raises `BadHandshake`."""
    if not is_upgrade(environ):
        raise BadHandshake("400 Bad Request")
    if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != "13":
        raise BadHandshake("426 Upgrade Required", (("Sec-WebSocket-Version", "13"),))
    key = environ.get("HTTP_SEC_WEBSOCKET_KEY", "").encode()
    try:
        if len(base64.b64decode(key, validate=True)) != 16:
            raise BadHandshake("400 Bad Request")
    except binascii.Error as error:
        raise BadHandshake("400 Bad Request") from error
    deflate = allow_deflate and _offers_deflate(environ.get("HTTP_SEC_WEBSOCKET_EXTENSIONS", ""))
    lines = [
        b"HTTP/1.1 101 Switching Protocols",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Accept: " + base64.b64encode(hashlib.sha1(key + _GUID).digest()),
    ]
    if deflate:
        lines.append(b"Sec-WebSocket-Extensions: " + _DEFLATE_ANSWER)
    return b"\r\n".join([*lines, b"", b""]), deflate


def _offers_deflate(header: str) -> bool:
    """Whether one of the offers can be taken as it is answered: with a full window."""
    for offer in header.split(","):
        name, *parameters = (part.strip().lower() for part in offer.split(";"))
        if name == _DEFLATE and not any(
            parameter.startswith("server_max_window_bits")
            and parameter.partition("=")[2].strip('" ') not in ("", "15")
            for parameter in parameters
        ):
            return True
    return False


# What of a request is of no use to the application once it has become a connection, and would be
# kept for as long as that lives.
_DROPPED = frozenset(
    (
        "HTTP_SEC_WEBSOCKET_KEY",
        "HTTP_SEC_WEBSOCKET_VERSION",
        "HTTP_SEC_WEBSOCKET_EXTENSIONS",
        "HTTP_CONNECTION",
        "HTTP_UPGRADE",
        "HTTP_ACCEPT_ENCODING",
        "HTTP_CACHE_CONTROL",
        "HTTP_PRAGMA",
        "RAW_PATH_INFO",
        "GATEWAY_INTERFACE",
        "CONTENT_TYPE",
        "headers_raw",
        "wsgi.input",
        "wsgi.errors",
        green.WEBSOCKET_KEY,
        EXCHANGE,
    )
)


def kept_environ(environ: dict[str, Any], intern: Callable[[str], str]) -> dict[str, Any]:
    """What the application may ask about the request of a connection, later on. Equal strings
    of different connections are the same object."""
    return {
        intern(key): intern(value) if type(value) is str else value
        for key, value in environ.items()
        if key not in _DROPPED
    }
