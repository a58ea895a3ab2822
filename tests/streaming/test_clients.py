"""Connections are counted by what they are and how they come."""

import pytest

from backend.metrics import Metrics
from backend.streaming.clients import (
    BROWSER,
    KINDS,
    LOOKED_AT_ONCE,
    NODE,
    OTHER,
    PYTHON,
    UPGRADE_SECONDS,
    Clients,
    kind_of,
)
from backend.streaming.sessions import Session
from tests.clocks import ManualClock

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        (FIREFOX, BROWSER),
        ("node-XMLHttpRequest", NODE),
        ("node", NODE),
        ("python-requests/2.34.2", PYTHON),
        ("Python/3.11 aiohttp/3.9", PYTHON),
        ("curl/8.5.0", OTHER),
        ("", OTHER),
    ],
)
def test_the_kind_is_told_by_the_user_agent(agent: str, kind: str) -> None:
    assert kind_of(agent) == kind and kind in KINDS


class Door:
    """Clients that come, upgrade and go."""

    def __init__(self) -> None:
        self.polling: set[str] = set()
        self.clock = ManualClock(0)
        self.metrics = Metrics()
        self.clients = Clients(self.polling.__contains__, self.clock, self.metrics)

    def enter(self, sid: str, agent: str, polling: bool = False) -> Session:
        session = Session(sid)
        if polling:
            self.polling.add(sid)
        self.clients.enter(session, sid, agent)
        return session

    def some(self) -> dict[tuple[str, ...], int]:
        return {way: number for way, number in self.clients.counts().items() if number}


def test_who_upgrades_moves_from_one_transport_to_the_other() -> None:
    door = Door()
    door.enter("a", FIREFOX, polling=True)
    door.enter("b", FIREFOX)
    script = door.enter("c", "python-requests/2", polling=True)
    assert door.some() == {
        ("polling", BROWSER): 1,
        ("websocket", BROWSER): 1,
        ("polling", PYTHON): 1,
    }
    door.polling.discard("a")
    assert door.some() == {("websocket", BROWSER): 2, ("polling", PYTHON): 1}
    door.clients.leave(script)
    assert door.some() == {("websocket", BROWSER): 2}


def test_every_way_has_a_count_even_where_nobody_comes_by_it() -> None:
    counts = Door().clients.counts()
    assert set(counts.values()) == {0} and len(counts) == 2 * len(KINDS)


def test_of_many_that_poll_some_are_looked_at_at_a_time_until_all_are_known() -> None:
    door = Door()
    for number in range(2 * LOOKED_AT_ONCE):
        door.enter(str(number), FIREFOX, polling=True)
    door.polling.clear()
    assert door.some()[("polling", BROWSER)] == LOOKED_AT_ONCE
    assert door.some() == {("websocket", BROWSER): 2 * LOOKED_AT_ONCE}


def test_who_has_not_upgraded_after_a_while_is_taken_for_one_that_polls() -> None:
    door = Door()
    settled = door.enter("a", FIREFOX, polling=True)
    door.clock.set_ms(round(UPGRADE_SECONDS * 1000))
    door.some()
    door.polling.clear()
    assert door.some() == {("polling", BROWSER): 1}
    door.clients.leave(settled)
    assert door.some() == {}


def test_a_connection_that_ends_is_counted_by_how_long_it_was() -> None:
    door = Door()
    short, long = door.enter("a", ""), door.enter("b", "node")
    door.clock.set_ms(5_000)
    door.clients.leave(short)
    door.clock.set_ms(7_200_000)
    door.clients.leave(long)
    durations = door.metrics.durations.figures()
    assert durations[OTHER]["up_to"]["1.0"] == 0 and durations[OTHER]["up_to"]["10.0"] == 1
    assert durations[NODE]["seconds"] == 7_200 and durations[NODE]["up_to"]["3600.0"] == 0
