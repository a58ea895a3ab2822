"""Frames and messages as bytes."""

import json
import zlib

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from socketio.packet import ACK, CONNECT, CONNECT_ERROR, DISCONNECT, EVENT

from backend.fanout.wire import codec
from backend.fanout.wire.frame import BINARY, CONTINUATION, TEXT, close_answer, close_frame, frame
from backend.fanout.wire.frame_reader import FrameReader, ProtocolViolation, unmask
from backend.fanout.wire.message import (
    DEFLATE_MIN_BYTES,
    JSON,
    JSON_DEFLATED,
    MSGPACK,
    MSGPACK_DEFLATED,
    PLACED,
    Envelope,
    Message,
)
from backend.fanout.wire.packet import EnginePacket
from backend.fanout.wire.pieces import Joined, Pieces, Selection
from tests.fanout.raw_clients import client_frame

LIMIT = 70_000


def payload_of(rendered: bytes) -> bytes:
    head = {126: 4, 127: 10}.get(rendered[1], 2)
    return rendered[head:]


@given(st.binary(max_size=300), st.binary(min_size=4, max_size=4))
def test_unmasking_is_the_loop_of_the_standard(data: bytes, mask: bytes) -> None:
    assert unmask(data, mask) == bytes(b ^ mask[i % 4] for i, b in enumerate(data))


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65_535, 65_536])
def test_a_frame_of_any_length_is_read_as_it_was_sent(length: int) -> None:
    payload = b"x" * length
    reader = FrameReader(LIMIT, deflate=False)
    assert list(reader.feed(client_frame(BINARY, payload))) == [(BINARY, payload)]
    assert payload_of(frame(BINARY, payload)) == payload


@given(st.lists(st.binary(max_size=200), max_size=8), st.lists(st.integers(1, 50), max_size=50))
def test_messages_come_whole_however_the_bytes_arrive(
    messages: list[bytes], cuts: list[int]
) -> None:
    stream = b"".join(client_frame(BINARY, message) for message in messages)
    reader = FrameReader(LIMIT, deflate=False)
    heard = []
    for cut in [*cuts, len(stream)]:
        heard += [payload for _, payload in reader.feed(stream[:cut])]
        stream = stream[cut:]
    assert heard == messages


def test_a_small_message_that_inflates_beyond_the_limit_is_too_big() -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = bomb.compress(b"x" * 10_000_000) + bomb.flush(zlib.Z_SYNC_FLUSH)
    reader = FrameReader(LIMIT, deflate=True)
    with pytest.raises(ProtocolViolation) as violation:
        list(reader.feed(client_frame(TEXT, data[:-4], rsv=4)))
    assert violation.value.code == 1009


def test_a_compressed_message_in_fragments_is_inflated() -> None:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = (compressor.compress(b"hello " * 50) + compressor.flush(zlib.Z_SYNC_FLUSH))[:-4]
    reader = FrameReader(LIMIT, deflate=True)
    frames = client_frame(TEXT, data[:5], final=False, rsv=4) + client_frame(0, data[5:])
    assert list(reader.feed(frames)) == [(CONTINUATION, b""), (TEXT, b"hello " * 50)]


def test_reading_can_be_left_and_taken_up_where_it_was() -> None:
    reader = FrameReader(LIMIT, deflate=False)
    frames = b"".join(client_frame(TEXT, str(number).encode()) for number in range(4))
    assert next(reader.feed(frames[:-3])) == (TEXT, b"0")
    assert next(reader.feed(b"")) == (TEXT, b"1")
    assert list(reader.feed(frames[-3:])) == [(TEXT, b"2"), (TEXT, b"3")]


def test_a_close_reason_is_cut_to_what_a_control_frame_holds() -> None:
    assert len(payload_of(close_frame(1008, "x" * 300))) == 125


@pytest.mark.parametrize(
    ("payload", "code"),
    [(b"", 1000), (b"\x03\xe8", 1000), (b"\x0f\xa0x", 4000), (b"\x03\xed", 1002), (b"x", 1002)],
)
def test_a_close_is_answered_with_a_code_that_may_be_sent(payload: bytes, code: int) -> None:
    assert close_answer(payload) == code


# --- messages -------------------------------------------------------------------------------------


def test_one_message_has_one_frame_for_all_of_a_form() -> None:
    message = Message(EVENT, ["event", {"a": 1}])
    assert message.render(JSON) is message.render(JSON)
    assert payload_of(message.render(JSON)) == b'42["event",{"a":1}]'
    assert message.polled(JSON) == b'42["event",{"a":1}]'


def test_a_large_message_is_deflated_and_stands_alone() -> None:
    data = ["event", {str(n): "price" for n in range(100)}]
    frames = [Message(EVENT, data, receivers=8).render(JSON_DEFLATED) for _ in range(2)]
    assert frames[0] == frames[1]
    assert frames[0][0] == 0xC1
    inflated = zlib.decompressobj(-15).decompress(payload_of(frames[1]) + b"\x00\x00\xff\xff")
    assert json.loads(inflated[2:]) == data


def test_a_small_message_is_not_deflated() -> None:
    message = Message(EVENT, ["event", "x" * (DEFLATE_MIN_BYTES // 2)], receivers=1_000)
    assert message.render(JSON_DEFLATED) is message.render(JSON)


def test_a_message_for_few_is_not_deflated() -> None:
    message = Message(EVENT, ["event", "x" * 10_000], receivers=7)
    assert message.render(JSON_DEFLATED) is message.render(JSON)


def test_a_place_is_the_last_argument_for_those_who_are_told_of_it_and_for_nobody_else() -> None:
    message = Message(EVENT, ["event", {"a": 1}], key="key", place="here")
    plain = Message(EVENT, ["event", {"a": 1}])
    for form in (JSON, JSON_DEFLATED, MSGPACK, MSGPACK_DEFLATED):
        assert message.render(form) == plain.render(form)
        assert plain.render(form | PLACED) is plain.render(form)
    assert payload_of(message.render(JSON | PLACED)) == b'42["event",{"a":1},"here"]'
    packed = msgpack.unpackb(payload_of(message.render(MSGPACK | PLACED)))
    assert packed["data"] == ["event", {"a": 1}, "here"]
    assert message.polled(JSON) == plain.polled(JSON) == plain.polled(JSON | PLACED)
    assert message.polled(JSON | PLACED) == b'42["event",{"a":1},"here"]'
    assert message.polled(MSGPACK | PLACED) != message.polled(MSGPACK) == plain.polled(MSGPACK)


@pytest.mark.parametrize("form", [MSGPACK, MSGPACK_DEFLATED])
def test_messagepack_leaves_out_what_is_absent(form: int) -> None:
    assert msgpack.unpackb(payload_of(Message(DISCONNECT, None, "/x").render(form))) == {
        "type": 1,
        "nsp": "/x",
    }
    assert msgpack.unpackb(payload_of(Message(ACK, [b"\x01", None], "/", 7).render(form))) == {
        "type": 3,
        "nsp": "/",
        "id": 7,
        "data": [b"\x01", None],
    }


@pytest.mark.parametrize("names", [("BTC",), ("BTC", "ETH"), ("BTC", "XRP"), ("XRP",)])
def test_joined_pieces_are_those_that_there_are_in_every_format(names: tuple[str, ...]) -> None:
    value = {"price": 1.5, "symbol": "BTC"}
    pieces = Pieces({"ADA": value, "BTC": value, "ETH": value})
    joined = Joined(pieces, Selection(names))
    plain = {name: value for name in names if name != "XRP"}
    assert json.loads(codec.dumps(["market_update", joined])) == ["market_update", plain]
    message = Message(EVENT, ["market_update", joined])
    assert json.loads(payload_of(message.render(JSON))[2:]) == ["market_update", plain]
    packed = msgpack.unpackb(payload_of(message.render(MSGPACK)))
    assert packed["data"] == ["market_update", plain]


def test_an_envelope_makes_the_frame_that_a_message_does() -> None:
    pieces = Pieces({"BTC": {"price": 1.5}, "ETH": {"price": 0.25}})
    selection = Selection(("BTC", "ETH"))
    for namespace in ("/", "/custom"):
        message = Message(EVENT, ["market_update", Joined(pieces, selection)], namespace)
        enveloped = Envelope("market_update", namespace).frame(selection.of(pieces.json))
        assert enveloped == message.render(JSON)


def test_what_json_has_no_form_for_is_an_error() -> None:
    with pytest.raises(TypeError):
        Message(EVENT, ["event", object()]).render(JSON)


def test_the_refusal_of_a_namespace_is_an_object_with_the_message_of_node() -> None:
    packet = EnginePacket(CONNECT_ERROR, data="Unable to connect", namespace="/x")
    assert payload_of(packet.encode().render(JSON)) == b'44/x,{"message":"Invalid namespace"}'


@pytest.mark.parametrize(
    "packed",
    [
        b"\xc1",
        b"",
        b"\x93\x01\x02\x03",
        msgpack.packb({"type": 2, "data": ["x"]}),
        msgpack.packb({"type": 2, "data": {}, "nsp": "/"}),
        msgpack.packb({"type": 9, "data": [], "nsp": "/"}),
        msgpack.packb({"type": 5, "data": ["x"], "nsp": "/"}),
        msgpack.packb({"type": "2", "data": ["x"], "nsp": "/"}),
        msgpack.packb({"type": 2, "data": ["x"], "nsp": "/", "id": "7"}),
        msgpack.packb({"type": [2], "data": ["x"], "nsp": "/"}),
        b"\x91" * 3_000,
    ],
)
def test_malformed_messagepack_is_a_value_error(packed: bytes) -> None:
    packet = EnginePacket(CONNECT)
    with pytest.raises(ValueError):
        packet.decode(packed)
