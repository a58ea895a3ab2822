"""Connections that wait without a greenlet: before their first request, and after their last
answer."""

import socket
from collections.abc import Callable, Iterator

import eventlet
import pytest
from eventlet.greenio import GreenSocket

from backend.clock import SystemClock
from backend.http import leaving, newcomer
from backend.http.activity import Activity
from backend.http.leaving import LINGER_BYTES, Leaving
from backend.http.newcomer import Newcomer
from backend.http.places import Place, Places
from backend.turns import Share, Turns

# Far more than what is waited for takes.
PATIENCE = 10.0
MOMENT = 0.05


class LateTurns(Turns):
    """Turns that come when the test says so."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.waiting: list[Callable[[], None]] = []

    def take(self, _share: Share, work: Callable[[], None], _extra: float = 0.0) -> bool:
        self.waiting.append(work)
        return False


class Ends:
    """Two ends of a connection, of which the server's has a place."""

    def __init__(self) -> None:
        here, self.client = socket.socketpair()
        self.sock = GreenSocket(here)
        self.client.setblocking(False)
        self.turns = Turns(SystemClock())
        self.activity = Activity()
        self.places = Places(8)
        self.place = self._take()
        self._ends = 0

    @property
    def raw(self) -> socket.socket:
        """The server's end as a socket that does not wait."""
        return self.sock.fd

    def note_end(self) -> None:
        self._ends += 1

    def _take(self) -> Place:
        place = self.places.take("192.0.2.1")
        assert place is not None
        return place

    @property
    def ended(self) -> bool:
        """Whether the server's end is closed, its place free, and that said once."""
        return self.raw.fileno() < 0 and not len(self.places) and self._ends == 1

    def close(self) -> None:
        self.client.close()
        self.sock.close()


@pytest.fixture
def ends() -> Iterator[Ends]:
    made = Ends()
    yield made
    made.close()


def wait_for(condition: Callable[[], object]) -> None:
    with eventlet.Timeout(PATIENCE):
        while not condition():
            eventlet.sleep(0.005)


def test_who_has_sent_nothing_has_not_begun(ends: Ends) -> None:
    begun: list[bool] = []
    Newcomer(ends.sock, ends.place, ends.turns, ends.activity, lambda: begun.append(True))
    eventlet.sleep(MOMENT)
    assert not begun
    ends.client.send(b"G")
    wait_for(lambda: begun)
    ends.client.send(b"ET")
    eventlet.sleep(MOMENT)
    assert begun == [True]
    assert not ends.place.share.waiting
    assert ends.place.share.used > 0


def test_while_the_turn_of_a_request_is_to_come_the_server_is_busy(ends: Ends) -> None:
    turns, begun = LateTurns(), []
    Newcomer(ends.sock, ends.place, turns, ends.activity, lambda: begun.append(True))
    ends.client.send(b"GET")
    wait_for(lambda: turns.waiting)
    assert ends.activity.busy == 1
    assert not begun
    turns.waiting.pop()()
    assert begun


def test_a_newcomer_that_ends_is_handed_on_to_find_the_end(ends: Ends) -> None:
    found: list[bytes] = []

    def begin() -> None:
        found.append(ends.raw.recv(10))

    Newcomer(ends.sock, ends.place, ends.turns, ends.activity, begin)
    ends.client.close()
    wait_for(lambda: found)
    assert found == [b""]


def test_a_newcomer_that_says_nothing_is_closed_after_a_while(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(newcomer, "IDLE_SECONDS", MOMENT)
    Newcomer(ends.sock, ends.place, ends.turns, ends.activity, pytest.fail)
    wait_for(lambda: ends.raw.fileno() < 0)
    assert not len(ends.places)


@pytest.mark.parametrize("asked", [False, True])
def test_a_newcomer_that_has_to_give_way_is_closed_at_once(asked: bool, ends: Ends) -> None:
    turns, begun = LateTurns(), []
    waiting = Newcomer(ends.sock, ends.place, turns, ends.activity, lambda: begun.append(True))
    if asked:
        ends.client.send(b"GET")
        wait_for(lambda: turns.waiting)
    waiting.evicted()
    waiting.evicted()
    assert ends.raw.fileno() < 0
    assert not len(ends.places)
    assert not ends.activity.busy
    for turn in turns.waiting:
        turn()
    assert not begun


def test_who_leaves_has_the_answer_first(ends: Ends) -> None:
    ends.client.send(b"unread")
    ends.raw.send(b"the answer")
    Leaving(ends.raw, ends.place, ends.turns, ends.note_end)
    eventlet.sleep(MOMENT)
    assert not ends.ended
    assert ends.client.recv(100) == b"the answer"
    assert ends.client.recv(100) == b""
    ends.client.close()
    wait_for(lambda: ends.ended)


def test_who_goes_on_sending_is_closed(ends: Ends) -> None:
    Leaving(ends.raw, ends.place, ends.turns, ends.note_end)
    sent = 0
    with eventlet.Timeout(PATIENCE), pytest.raises(ConnectionError):
        while True:
            try:
                sent += ends.client.send(bytes(4096))
            except BlockingIOError:
                eventlet.sleep(0)
    assert LINGER_BYTES <= sent <= 4 * LINGER_BYTES
    assert ends.ended


@pytest.mark.parametrize("turns", [Turns(SystemClock()), LateTurns()], ids=["turns", "no turn"])
def test_who_stays_is_closed_after_a_while(
    turns: Turns, ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "LINGER_SECONDS", MOMENT)
    Leaving(ends.raw, ends.place, turns, ends.note_end)
    ends.client.send(b"more")
    wait_for(lambda: ends.ended)


def test_a_turn_that_comes_too_late_finds_nothing_to_do(ends: Ends) -> None:
    turns = LateTurns()
    left = Leaving(ends.raw, ends.place, turns, ends.note_end)
    ends.client.send(b"more")
    wait_for(lambda: turns.waiting)
    left.evicted()
    assert ends.ended
    turns.waiting.pop()()
