"""Of each source what was learnt of it, whichever leads and whenever it is read."""

import json
import logging
from typing import Any

import pytest

from backend.market.market import Market
from backend.streaming.by_source import BySource
from tests.clocks import ManualClock
from tests.streaming.conftest import go_over
from tests.streaming.test_keeper import A_MINUTE, SYMBOLS, Counting


class School:
    def __init__(self) -> None:
        self.market, self.pupil = Market(SYMBOLS, ManualClock(), "x"), Counting()
        self.by_source = BySource("count", self.market, self.pupil)

    def turn(self, source: str) -> int:
        """What is known of BTC once it is of that source."""
        go_over(self.market, "BTC", source, A_MINUTE)
        self.by_source.turn("BTC")
        return self.pupil.known["BTC"]

    def states(self, symbol: str = "BTC") -> dict[str, Any]:
        return {source: json.loads(state) for source, state in self.by_source.states(symbol)}


def test_who_comes_back_goes_on_where_it_was() -> None:
    school = School()
    school.pupil.learn()
    assert school.turn("y") == 0
    school.pupil.learn()
    school.pupil.learn()
    assert school.turn("x") == 1
    assert school.turn("y") == 2
    assert school.states() == {"x": {"known": 1}, "y": {"known": 2}}
    assert school.states("ETH") == {"x": {"known": 3}}


def test_a_source_that_stays_changes_nothing() -> None:
    school = School()
    school.pupil.learn()
    assert school.turn("x") == 1
    assert school.states() == {"x": {"known": 1}}


def test_what_was_kept_is_taken_up_once_its_source_leads() -> None:
    school = School()
    assert school.by_source.restore("BTC", "x", '{"known": 5}')
    assert not school.by_source.restore("BTC", "y", '{"known": 7}')
    # What has not been used in this run is there already, and needs no writing.
    assert school.states() == {"x": {"known": 5}}
    assert school.turn("y") == 7


def test_what_is_read_late_counts_more_than_what_was_learnt_meanwhile() -> None:
    school = School()
    school.pupil.learn()
    school.turn("y")
    school.by_source.restore("BTC", "x", '{"known": 5}')
    assert school.states() == {"y": {"known": 0}}
    assert school.turn("x") == 5


def test_what_is_no_state_is_told_and_left(caplog: pytest.LogCaptureFixture) -> None:
    school = School()
    school.by_source.restore("BTC", "y", "[]")
    with caplog.at_level(logging.WARNING):
        assert school.turn("y") == 0
    assert "count: what was kept of BTC is no state" in caplog.text


def test_a_symbol_that_goes_is_forgotten() -> None:
    school = School()
    school.turn("y")
    school.by_source.unfollow("BTC")
    assert school.states() == {}
