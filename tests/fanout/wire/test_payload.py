"""The bodies of polls and posts, read or refused."""

import pytest

from backend.fanout.wire.frame import NOT_UTF8, PROTOCOL_VIOLATION
from backend.fanout.wire.frame_reader import ProtocolViolation
from backend.fanout.wire.payload import join, split


def test_a_body_is_its_packets_with_attachments_among_them() -> None:
    packets = [b"42[]", b"bAQID", "4é".encode(), b""]
    assert split(join(packets)) == ["42[]", b"\x01\x02\x03", "4é", ""]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"\xff", NOT_UTF8),
        (b"bA", PROTOCOL_VIOLATION),
        (b"bAQ!D", PROTOCOL_VIOLATION),
        ("bAQIé".encode(), PROTOCOL_VIOLATION),
    ],
)
def test_what_is_no_body_is_refused(body: bytes, code: int) -> None:
    with pytest.raises(ProtocolViolation) as refused:
        split(body)
    assert refused.value.code == code
