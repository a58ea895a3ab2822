"""What is sent to a connection arrives in the order in which it was sent, though a large room is
written to in slices and others send in between."""

from collections.abc import Callable
from typing import Any

import pytest

from backend.clock import SystemClock
from backend.fanout import fan
from backend.fanout.fan import Fan
from backend.fanout.manager import RoomManager
from backend.fanout.sessions.connection import Connection
from backend.fanout.wire.pieces import Basket, Pieces, Selection
from backend.turns import Share, Turns

CONNECTIONS = 50


class Driver:
    """As much of a server as the manager asks for: connections whose sockets are lists."""

    def __init__(self) -> None:
        self.eio = self
        self.sockets: dict[str, Any] = {}
        self.wires: dict[str, list[str]] = {}
        self._ids = 0

    def generate_id(self) -> str:
        self._ids += 1
        return str(self._ids)

    def open(self, name: str) -> Connection:
        connection = self.sockets[name] = Connection(self, name, Share())  # type: ignore[arg-type]
        wire = self.wires[name] = []

        def write(data: bytes) -> int:
            # Behind a frame's head of two bytes there is "42".
            wire.append(data[4:].decode())
            return len(data)

        connection.write = write
        return connection


class Stage:
    """A room of connections, each with a basket of its own, and a clock that makes every look a
    slice's end, so that sending rests as often as it can; a rest calls `meanwhile`."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(fan, "SLICE_SECONDS", 0.0)
        self.driver = Driver()
        self.manager = RoomManager({}, False, Turns(SystemClock()))
        self.manager.server = self.driver
        self.manager._fan = Fan(lambda: 0.0, self._rest)
        self.meanwhile: Callable[[], None] = lambda: None
        self.sids = []
        for number in range(CONNECTIONS):
            self.driver.open(f"eio{number}")
            sid = self.manager.pre_connect(f"eio{number}", "/")
            self.manager.enter_room(sid, "/", "all")
            self.manager.enter_room(sid, "/", f"basket:{sid}")
            self.sids.append(sid)

    def _rest(self) -> None:
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()

    def emit(self, event: str, room: str) -> None:
        self.manager.emit(event, 1, "/", room=room)

    def emit_baskets(self, event: str) -> None:
        baskets = [Basket(f"basket:{sid}", Selection(("BTC",))) for sid in self.sids]
        self.manager.emit_joined(event, Pieces({"BTC": 1}), baskets, "/")

    def heard(self) -> set[tuple[str, ...]]:
        """The different sequences of events that connections have heard."""
        return {tuple(text.split('"')[1] for text in wire) for wire in self.driver.wires.values()}


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(monkeypatch)


def test_another_event_to_the_room_waits_for_the_first(stage: Stage) -> None:
    stage.meanwhile = lambda: stage.emit("second", "all")
    stage.emit("first", "all")
    assert stage.heard() == {("first", "second")}


def test_a_personal_event_does_not_pass_one_to_the_room(stage: Stage) -> None:
    stage.meanwhile = lambda: [stage.emit("second", sid) for sid in stage.sids] and None
    stage.emit("first", "all")
    assert stage.heard() == {("first", "second")}


def test_baskets_do_not_pass_an_event_to_the_room(stage: Stage) -> None:
    stage.meanwhile = lambda: stage.emit_baskets("second")
    stage.emit("first", "all")
    assert stage.heard() == {("first", "second")}


def test_who_leaves_while_a_room_is_written_to_breaks_nothing(stage: Stage) -> None:
    stage.meanwhile = lambda: [stage.manager.leave_room(s, "/", "all") for s in stage.sids] and None
    stage.emit("first", "all")
    assert stage.heard() == {("first",)}


def test_of_a_tick_none_gets_what_it_did_not_ask_for(stage: Stage) -> None:
    one, two = stage.sids[:2]
    stage.manager.enter_room(two, "/", f"basket:{one}")
    baskets = [
        Basket(f"basket:{one}", Selection(("BTC", "ETH"))),
        Basket(f"basket:{stage.sids[2]}", Selection(("ETH", "XRP"))),
        Basket(f"basket:{stage.sids[3]}", Selection(("XRP",))),
        Basket("basket:of nobody", Selection(("BTC",))),
    ]
    pieces = Pieces({"BTC": 1, "ETH": {"price": 2}})
    assert stage.manager.emit_joined("tick", pieces, baskets, "/") == (2, 3)
    both = ['["tick",{"BTC":1,"ETH":{"price":2}}]']
    wires = list(stage.driver.wires.values())
    assert wires[:4] == [both, both, ['["tick",{"ETH":{"price":2}}]'], []]
    assert not any(wires[4:])
