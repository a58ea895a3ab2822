"""Messages of other programs, as python-socketio publishes them, and as it does not."""

import base64
import json
from collections import Counter
from typing import Any

import pytest

from backend.fanout.outside import (
    BROKEN,
    DONE,
    MEMBERSHIPS_MAX,
    MESSAGE_MAX_BYTES,
    ROOMS_MAX,
    UNSUPPORTED,
    OutsideMessages,
)

HERE = "a-connection"


class Manager:
    """Records what it is asked to do."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.rooms = [HERE]

    def is_connected(self, sid: str, _namespace: str) -> bool:
        return sid == HERE

    def get_rooms(self, _sid: str, _namespace: str) -> list[str]:
        return self.rooms

    def emit(self, *arguments: Any, **options: Any) -> None:
        self.asked.append(("emit", *arguments, options))

    def enter_room(self, *arguments: Any) -> None:
        self.asked.append(("enter", *arguments))

    def leave_room(self, *arguments: Any) -> None:
        self.asked.append(("leave", *arguments))

    def close_room(self, *arguments: Any) -> None:
        self.asked.append(("close room", *arguments))


class Heard:
    """The hearing side, before a manager that records."""

    def __init__(self) -> None:
        self.manager = Manager()
        self.fates: Counter[str] = Counter()
        self.closed: list[str] = []
        self._messages = OutsideMessages(
            self.manager,
            "everybody",
            lambda room: room.startswith("own"),
            self.closed.append,
            lambda fate: self.fates.update([fate]),
        )

    def take(self, message: Any) -> None:
        text = message if isinstance(message, bytes) else json.dumps(message).encode()
        self._messages.take(text)


@pytest.fixture
def heard() -> Heard:
    return Heard()


def emit(**changes: Any) -> dict[str, Any]:
    return {
        "method": "emit",
        "event": "news",
        "data": [{"n": 1}],
        "binary": False,
        "namespace": "/",
        "room": "a room",
        "skip_sid": None,
        "callback": None,
        "host_id": "x",
        **changes,
    }


@pytest.mark.parametrize(
    ("changes", "data", "room"),
    [
        ({}, {"n": 1}, "a room"),
        ({"room": ["a", "b"]}, {"n": 1}, ["a", "b"]),
        ({"room": None}, {"n": 1}, "everybody"),
        ({"namespace": None}, {"n": 1}, "a room"),
        ({"data": [None]}, None, "a room"),
        ({"data": [1, "two"]}, (1, "two"), "a room"),
        ({"data": [[1, 2]]}, [1, 2], "a room"),
        (
            {
                "binary": True,
                "data": [
                    [{"of": {"_placeholder": True, "num": 0}}],
                    base64.b64encode(b"\0\xff").decode(),
                ],
            },
            {"of": b"\0\xff"},
            "a room",
        ),
    ],
)
def test_an_emit_is_made_here(changes: dict[str, Any], data: Any, room: Any, heard: Heard) -> None:
    heard.take(emit(**changes))
    assert heard.manager.asked == [("emit", "news", data, "/", {"room": room, "skip_sid": None})]
    assert heard.fates == {DONE: 1}


def test_those_who_are_to_be_left_out_are(heard: Heard) -> None:
    heard.take(emit(skip_sid=["one", "two"]))
    assert heard.manager.asked[0][-1]["skip_sid"] == ["one", "two"]


def test_an_emit_that_wants_an_acknowledgement_is_made_without(heard: Heard) -> None:
    heard.take(emit(callback=["a room", "/", 1]))
    assert len(heard.manager.asked) == 1
    assert heard.fates == {DONE: 1, UNSUPPORTED: 1}


def about(method: str, **more: Any) -> dict[str, Any]:
    return {"method": method, "sid": HERE, "room": "vip", "namespace": "/", "host_id": "x", **more}


def test_connections_are_put_into_rooms_taken_out_and_ended(heard: Heard) -> None:
    for method in ("enter_room", "leave_room", "close_room", "disconnect"):
        heard.take(about(method))
    assert heard.manager.asked == [
        ("enter", HERE, "/", "vip"),
        ("leave", HERE, "/", "vip"),
        ("close room", "vip", "/"),
    ]
    assert heard.closed == [HERE]
    assert heard.fates == {DONE: 4}


def test_a_connection_of_another_process_is_left_to_it(heard: Heard) -> None:
    for method in ("enter_room", "leave_room"):
        heard.take(about(method, sid="elsewhere"))
    assert heard.manager.asked == []


@pytest.mark.parametrize("method", ["enter_room", "leave_room", "close_room"])
def test_who_is_in_the_servers_own_rooms_is_not_for_others_to_say(
    method: str, heard: Heard
) -> None:
    heard.take(about(method, room="own room"))
    assert (heard.manager.asked, heard.fates) == ([], {UNSUPPORTED: 1})


def test_the_rooms_of_a_connection_are_bounded(heard: Heard) -> None:
    heard.manager.rooms = [str(number) for number in range(MEMBERSHIPS_MAX + 1)]
    heard.take(about("enter_room"))
    assert (heard.manager.asked, heard.fates) == ([], {UNSUPPORTED: 1})


@pytest.mark.parametrize(
    "message",
    [
        about("callback", id=1, args=[]),
        about("another"),
        emit(namespace="/other"),
        emit(event="disconnect"),
        emit(event="connect_error"),
    ],
)
def test_what_is_not_done_is_counted(message: Any, heard: Heard) -> None:
    heard.take(message)
    assert (heard.manager.asked, heard.fates) == ([], {UNSUPPORTED: 1})


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\x80\x04}",  # a pickle, as python-socketio once took
        b"NaN",
        b"[" * 100_000,
        b'{"method": "emit", "data": [NaN]}',
        json.dumps(emit(data=["x" * MESSAGE_MAX_BYTES])).encode(),
        None,
        [],
        {},
        {"method": None},
        {"method": []},
        {"method": "emit"},
        emit(event=None),
        emit(event=7),
        emit(event=""),
        emit(event="x" * 1000),
        emit(data=None),
        emit(data={"n": 1}),
        emit(room=42),
        emit(room=""),
        emit(room={}),
        emit(room=[["a"]]),
        emit(room=["a"] * (ROOMS_MAX + 1)),
        emit(skip_sid=7),
        emit(binary=True, data=[]),
        emit(binary=True, data=[[{"_placeholder": True, "num": 3}], "AA=="]),
        emit(binary=True, data=[[{"_placeholder": True, "num": 0}], "?"]),
        emit(binary=True, data=[[{"_placeholder": True, "num": 0}], 1]),
        about("disconnect", sid=None),
        about("disconnect", sid=[]),
        about("enter_room", room=None),
        about("close_room", room=7),
    ],
)
def test_a_broken_message_is_counted_and_does_nothing(message: Any, heard: Heard) -> None:
    heard.take(message)
    assert (heard.manager.asked, heard.closed) == ([], [])
    assert heard.fates == {BROKEN: 1}


def test_of_what_is_passed_over_the_first_of_a_kind_is_logged(
    heard: Heard, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        heard.take(b"{")
        heard.take(about("another"))
    assert len(caplog.records) == 2
