"""What a client that comes back has missed."""

import pytest

from backend.journal.memory import MemoryJournal
from backend.metrics import Metrics
from backend.protocol import Place
from backend.streaming.resume import MISSED_MAX, Resumption
from backend.streaming.sessions import Session


class Stand:
    """A journal in which BTC, ETH and everybody were told of in turn, and who comes back to it."""

    def __init__(self, turns: int = 4) -> None:
        self.journal = MemoryJournal()
        self.metrics = Metrics()
        self.resumption = Resumption(self.journal, self.metrics)
        for _ in range(turns):
            self.say_all()

    def say_all(self) -> None:
        for topic in ("BTC", "ETH", None):
            self.journal.say("anything", topic, {})

    def connect(self) -> Session:
        return Session("1")

    def missed(
        self, session: Session, symbols: tuple[str, ...], offset: int | None, epoch: str = ""
    ) -> list[int] | None:
        place = Place(epoch or self.journal.log.epoch, offset)
        missed = self.resumption.missed(session, symbols, place)
        return None if missed is None else [entry.offset for entry in missed]


@pytest.fixture
def stand() -> Stand:
    return Stand()


def test_all_of_ones_symbols_and_of_everybody_is_missed_in_order(stand: Stand) -> None:
    assert stand.missed(stand.connect(), ("BTC",), 4) == [6, 7, 9, 10, 12]
    assert stand.missed(stand.connect(), ("ETH", "BTC"), 9) == [10, 11, 12]
    assert stand.missed(stand.connect(), (), 11) == [12]
    assert stand.missed(stand.connect(), ("BTC",), 12) == []


def test_what_was_heard_since_the_subscription_is_not_missed(stand: Stand) -> None:
    session = stand.connect()
    stand.say_all()  # heard, but before the client said where it stands
    assert stand.missed(session, ("BTC",), 10) == [12, 13, 15]
    other = stand.connect()
    stand.resumption.begin(other)
    stand.say_all()
    assert stand.missed(other, ("BTC",), 10) == [12, 13, 15, 16]


def test_who_resumes_symbol_by_symbol_misses_what_is_for_everybody_once(stand: Stand) -> None:
    session = stand.connect()
    assert stand.missed(session, ("BTC",), 8) == [9, 10, 12]
    assert stand.missed(session, ("ETH",), 8) == [11]


@pytest.mark.parametrize(("offset", "epoch"), [(13, ""), (None, ""), (-1, ""), (5, "another")])
def test_a_place_that_is_none_here_tells_nothing(
    offset: int | None, epoch: str, stand: Stand
) -> None:
    assert stand.missed(stand.connect(), ("BTC",), offset, epoch) is None


def test_too_much_is_unknown() -> None:
    stand = Stand(turns=MISSED_MAX)
    session = stand.connect()
    assert stand.missed(session, ("BTC", "ETH"), 0) is None
    recent = 3 * MISSED_MAX - MISSED_MAX
    assert len(stand.missed(session, ("BTC", "ETH"), recent) or ()) == MISSED_MAX


def test_resumes_are_counted_by_how_they_ended_and_reconnects_by_the_client() -> None:
    stand = Stand(turns=MISSED_MAX)
    session = stand.connect()
    session.client = "node"
    for offset, epoch in ((0, ""), (3 * MISSED_MAX, ""), (None, ""), (0, "another"), (-1, "")):
        stand.missed(session, ("BTC", "ETH"), offset, epoch)
        stand.resumption.begin(session)
    assert stand.metrics.resumes.figures() == {
        "too_much": 1,
        "recovered": 1,
        "ahead": 1,
        "epoch": 1,
        "too_old": 1,
    }
    again = Session("2", client="python")
    stand.missed(again, (), 3 * MISSED_MAX)
    assert stand.metrics.reconnects.figures() == {"node": 1, "python": 1}
