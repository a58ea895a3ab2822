"""The body of a long poll or post: several packets, and attachments among them as base64."""

import base64
from collections.abc import Iterable

from backend.fanout.wire.frame import NOT_UTF8, PROTOCOL_VIOLATION
from backend.fanout.wire.frame_reader import ProtocolViolation

SEPARATOR = "\x1e"

# An Engine.IO packet as it comes: text, or an attachment.
Inbound = str | bytes


def join(packets: Iterable[bytes]) -> bytes:
    """The body that carries packets which are rendered for polling."""
    return SEPARATOR.encode().join(packets)


def split(body: bytes) -> list[Inbound]:
    """The packets of a body; raises `ProtocolViolation`."""
    try:
        texts = body.decode().split(SEPARATOR)
    except UnicodeDecodeError as error:
        raise ProtocolViolation(NOT_UTF8, "payload is not UTF-8") from error
    return [_attachment(text) if text[:1] == "b" else text for text in texts]


def _attachment(text: str) -> bytes:
    try:
        return base64.b64decode(text[1:], validate=True)
    except ValueError as error:  # binascii's own, or not even ASCII
        raise ProtocolViolation(PROTOCOL_VIOLATION, "an attachment is not base64") from error
