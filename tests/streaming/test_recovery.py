"""Who is recovered, and for how long; by a clock that is set."""

import itertools
from dataclasses import replace

import pytest

from backend.client_messages import Return
from backend.journal.memory import MemoryJournal
from backend.journal.recoveries import MemoryRecoveries
from backend.metrics import Metrics
from backend.protocol import ALL_QUOTE_FIELDS, Place
from backend.streaming import recovery
from backend.streaming.recovery import (
    ANOTHER_USER,
    RECOVERABLE_SECONDS,
    RECOVERED,
    REWRITE_SECONDS,
    TOO_MUCH,
    UNANSWERED,
    UNKNOWN,
    Admission,
    Recovery,
)
from backend.streaming.resume import MISSED_MAX, Resumption
from backend.streaming.sessions import Session
from tests.clocks import ManualClock

USER = 7


class Stand:
    """A process's journal, and connections that come and go."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.journal = MemoryJournal()
        self.kept = MemoryRecoveries(self.clock)
        self.metrics = Metrics()
        self.ended: list[tuple[str, int]] = []
        self.sids = map(str, itertools.count())
        self.waiting = 0  # of what was said, what is still to be sent
        self.recovery = self.process()

    def process(self, *symbols: str) -> Recovery:
        return Recovery(
            self.journal.log,
            self.kept,
            Resumption(self.journal, self.metrics),
            lambda: self.journal.log.last - self.waiting,
            symbols or ("BTC", "ETH"),
            lambda: next(self.sids),
            lambda sid, returns: self.ended.append((sid, returns)),
            self.clock,
            self.metrics,
        )

    def say(self, *topics: str | None) -> None:
        for topic in topics:
            self.journal.say("anything", topic, {})

    def here(self) -> Return:
        """What one shows that has heard all that was sent; the private id is `connect`'s matter."""
        return Return("", Place(self.journal.log.epoch, self.journal.log.last - self.waiting))

    def enter(self, admission: Admission) -> Session:
        session = Session(admission.sid, USER)
        session.ticket = admission.ticket
        return session

    def connect(self) -> tuple[Session, Return]:
        """A new connection that is subscribed to BTC, and what it would show."""
        session = self.enter(self.recovery.admit(None, USER))
        session.symbols = ("BTC",)
        told = self.recovery.answered(session)
        assert session.ticket is not None and told is not None
        assert told.endswith(f":{session.ticket.answers}")
        return session, replace(self.here(), pid=session.ticket.pid, answer=session.ticket.answers)

    def outcome(self) -> str:
        """How the last coming back ended."""
        (family,) = self.metrics.recoveries.collect()
        counts = {
            sample.labels["outcome"]: sample.value
            for sample in family.samples
            if sample.name.endswith("_total")
        }
        self.metrics.recoveries.clear()
        (found,) = counts
        return found


@pytest.fixture
def stand() -> Stand:
    found = Stand()
    found.say("BTC", "ETH", None)
    return found


def test_within_two_minutes_of_the_cut_a_connection_is_what_it_was(stand: Stand) -> None:
    session, shown = stand.connect()
    stand.clock.advance(10_000)  # it was there for long, and written anew meanwhile
    stand.recovery.rewrite()
    stand.recovery.ended(session, cut=True)
    stand.say("ETH", "BTC", None)
    stand.clock.advance(RECOVERABLE_SECONDS - 1)
    admission = stand.recovery.admit(shown, USER)
    assert (stand.outcome(), admission.sid) == (RECOVERED, session.sid)
    assert admission.former is not None and admission.former.state.symbols == ("BTC",)
    again = stand.enter(admission)
    missed = stand.recovery.missed(again, admission.former)
    epoch = stand.journal.log.epoch
    assert [place for _, _, place in missed] == [f"{epoch}:5", f"{epoch}:6"]


def test_what_was_said_and_not_sent_yet_is_missed_by_who_is_cut_off(stand: Stand) -> None:
    stand.waiting = 1
    session, shown = stand.connect()
    stand.recovery.ended(session, cut=True)
    stand.waiting = 0
    admission = stand.recovery.admit(shown, USER)
    assert stand.outcome() == RECOVERED and admission.former is not None
    missed = stand.recovery.missed(stand.enter(admission), admission.former)
    assert [place for _, _, place in missed] == [f"{stand.journal.log.epoch}:3"]


def test_after_two_minutes_it_is_a_new_one(stand: Stand) -> None:
    session, shown = stand.connect()
    stand.recovery.ended(session, cut=True)
    stand.clock.advance(RECOVERABLE_SECONDS + 1)
    admission = stand.recovery.admit(shown, USER)
    assert stand.outcome() == UNKNOWN and admission.former is None
    assert admission.sid != session.sid and admission.ticket.pid != shown.pid


def test_of_a_process_that_was_killed_a_connection_is_known_for_two_minutes(stand: Stand) -> None:
    session, shown = stand.connect()
    for _ in range(20):
        stand.clock.advance(REWRITE_SECONDS / 2)
        stand.recovery.rewrite()
    stand.clock.advance(RECOVERABLE_SECONDS)
    admission = stand.process().admit(shown, USER)
    assert (stand.outcome(), admission.sid) == (RECOVERED, session.sid)
    assert stand.ended == [(session.sid, 1)]


def test_thousands_are_written_anew_a_few_at_a_time_and_in_time(
    stand: Stand, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "REWRITTEN_AT_ONCE", 2)
    for _ in range(5):
        stand.connect()
    stand.clock.advance(REWRITE_SECONDS)
    kept: list[str] = []
    monkeypatch.setattr(stand.kept, "keep", lambda pid, *_: kept.append(pid))
    written = []
    for _ in range(4):
        stand.recovery.rewrite()
        written.append(len(kept))
    assert written == [2, 4, 5, 5] and len(set(kept)) == 5


@pytest.mark.parametrize("cut", [True, False])
def test_what_either_side_has_ended_is_not_recovered(cut: bool, stand: Stand) -> None:
    session, shown = stand.connect()
    stand.recovery.ended(session, cut)
    stand.recovery.admit(shown, USER)
    assert stand.outcome() == (RECOVERED if cut else UNKNOWN)


def test_another_user_takes_nothing_up_and_ends_nothing(stand: Stand) -> None:
    for user in (USER + 1, None):
        _, shown = stand.connect()
        assert stand.recovery.admit(shown, user).former is None
        assert stand.outcome() == ANOTHER_USER
    assert stand.ended == []


def test_whoever_has_not_heard_the_last_answer_is_new(stand: Stand) -> None:
    def outcome(shown: Return) -> str:
        session, given = stand.connect()
        stand.say(None)
        stand.recovery.admit(replace(shown, pid=given.pid), USER)
        assert stand.ended.pop() == (session.sid, 1)
        return stand.outcome()

    heard = stand.here()
    assert outcome(heard) == UNANSWERED  # another's news of the same place is not the answer
    heard = replace(stand.here(), answer=1)
    assert outcome(heard) == RECOVERED
    heard = replace(stand.here(), answer=2)
    assert outcome(heard) == UNANSWERED
    assert outcome(heard) == UNANSWERED  # from before the answer
    other = Return("", Place("another", 10**6))
    assert outcome(other) == UNANSWERED


def test_what_is_not_known_any_more_or_too_much_is_not_replayed(stand: Stand) -> None:
    for count, expected in ((MISSED_MAX, RECOVERED), (MISSED_MAX + 1, TOO_MUCH)):
        _, shown = stand.connect()
        stand.say(*["BTC"] * count)
        assert (stand.recovery.admit(shown, USER).former is None) is (expected is TOO_MUCH)
        assert stand.outcome() == expected
    _, shown = stand.connect()
    stand.journal.log.begin("another", stand.journal.log.last)
    stand.recovery.admit(shown, USER)
    assert stand.outcome() == TOO_MUCH


def test_a_connection_is_recovered_with_any_field_that_may_be_asked_for(stand: Stand) -> None:
    session, shown = stand.connect()
    session.fields = ALL_QUOTE_FIELDS
    stand.recovery.keep(session)
    former = stand.recovery.admit(shown, USER).former
    assert former is not None and former.state.fields == ALL_QUOTE_FIELDS


def test_a_process_without_its_symbols_does_not_take_a_connection_up(stand: Stand) -> None:
    _, shown = stand.connect()
    assert stand.process("ETH").admit(shown, USER).former is None
    assert stand.outcome() == UNKNOWN


def test_what_was_shown_is_used_up_unless_its_client_left_before_it_was_told(stand: Stand) -> None:
    _, shown = stand.connect()
    admission = stand.recovery.admit(shown, USER)
    assert stand.outcome() == RECOVERED
    stand.recovery.admit(shown, USER)
    assert stand.outcome() == UNKNOWN
    stand.recovery.give_back(admission)
    again = stand.recovery.admit(shown, USER)
    assert (stand.outcome(), again.ticket.returns) == (RECOVERED, 1)


def test_it_may_come_back_time_and_again_and_private_ids_are_its_own(stand: Stand) -> None:
    session, shown = stand.connect()
    for returns in range(1, 4):
        admission = stand.recovery.admit(shown, USER)
        assert admission.sid == session.sid
        assert (admission.ticket.pid, admission.ticket.returns) == (shown.pid, returns)
        again = stand.enter(admission)
        again.symbols = ("BTC",)
        stand.recovery.keep(again)
        stand.say(None)
        shown = replace(stand.here(), pid=shown.pid)
    others = {stand.connect()[1].pid for _ in range(3)}
    assert len(others) == 3 and all(len(pid) >= 22 for pid in others)
