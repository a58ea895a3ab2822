"""The past of a source is loaded as far as it goes: the newest and the most looked at first."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backend.feeds.base import PastUnavailable
from backend.history.archive import Archive
from backend.history.deep import AT_HAND_LOOK_S, AT_HAND_S, MINUTES_MS, DeepHistory
from backend.history.looks import Looks
from backend.market.candles import INTERVALS, roll_up
from backend.market.market import Market
from backend.market.models import CLOSE, OPEN, OPEN_TIME, VOLUME, CandleArray
from backend.metrics import Metrics
from backend.storage.faults import StorageUnavailable
from tests.history.conftest import DAY, HOUR, MINUTE, START, Inline, made_up
from tests.silent_feeds import SilentFeed

EVER = 10**6
TRUTH = made_up(START - 30 * DAY, 30 * 1_440)


class Exchange(SilentFeed):
    """Gives candles of what is true, and notes what it is asked for."""

    past_intervals = ("1d", "1h", "1m")
    past_page = 200

    def __init__(self, candles: CandleArray = TRUTH) -> None:
        self.candles = candles
        self.asked: list[tuple[str, str]] = []
        self.answers: list[Callable[[CandleArray], CandleArray]] = []

    def past(self, symbol: str, interval: str, before_ms: int, limit: int) -> CandleArray:
        self.asked.append((symbol, interval))
        rows = roll_up(self.candles, INTERVALS[interval])
        page = rows[rows[:, OPEN_TIME] < before_ms][-limit:]
        return self.answers.pop(0)(page) if self.answers else page


class Loading:
    """Loads until there is nothing to do, or a number of pages has been asked for."""

    def __init__(self, archive: Archive, clock: Any, feed: Exchange, *symbols: str) -> None:
        self.archive, self.clock, self.feed = archive, clock, feed
        self.symbols = symbols or ("BTC",)
        self.looks, self.metrics = Looks(), Metrics()
        live = dict.fromkeys(self.symbols, TRUTH[-100:])
        archive.write_minutes("x", live, feed.past_intervals, False)

    def run(self, pages: int = EVER) -> None:
        market = Market(self.symbols, self.clock, "x")
        offload: Any = Inline()
        begun = len(self.feed.asked)

        def sleep(seconds: float) -> None:
            self.clock.advance(seconds)
            if seconds > 1 or len(self.feed.asked) - begun >= pages:
                deep.stop()

        deep = DeepHistory(
            self.feed, market, self.archive, offload, self.looks, sleep, self.clock, self.metrics
        )
        deep.run()

    def assert_whole(self) -> None:
        for symbol in self.symbols:
            for interval in ("1h", "4h", "1d"):
                stored = self.archive.read("x", symbol, interval, EVER)
                assert np.array_equal(stored, roll_up(TRUTH, INTERVALS[interval])), interval
            minutes = self.archive.read("x", symbol, "1m", EVER)
            assert np.array_equal(minutes, TRUTH[-len(minutes) :])
            reach = TRUTH[-1, OPEN_TIME] - minutes[0, OPEN_TIME]
            assert MINUTES_MS <= reach <= MINUTES_MS + self.feed.past_page * MINUTE


def test_days_hours_and_a_week_of_minutes_are_loaded(lone_archive: Archive, clock: Any) -> None:
    loading = Loading(lone_archive, clock, Exchange(), "BTC", "ETH")
    loading.run()
    loading.assert_whole()
    # Once known that there is no more nobody asks again.
    asked = len(loading.feed.asked)
    loading.run()
    assert len(loading.feed.asked) == asked


def test_a_restart_goes_on_where_the_last_run_ended(lone_archive: Archive, clock: Any) -> None:
    through = Loading(lone_archive, clock, Exchange())
    through.run()
    lone_archive.clear("x")
    loading = Loading(lone_archive, clock, Exchange())
    for _ in range(len(through.feed.asked)):
        loading.run(pages=1)
    loading.assert_whole()
    assert sorted(loading.feed.asked) == sorted(through.feed.asked)


def test_the_newest_of_all_come_before_older_ones_of_any(lone_archive: Archive, clock: Any) -> None:
    loading = Loading(lone_archive, clock, Exchange(), "BTC", "ETH", "SOL")
    loading.run(pages=9)
    assert loading.feed.asked == [
        (symbol, interval) for interval in ("1d", "1h", "1m") for symbol in loading.symbols
    ]


def test_a_symbol_that_is_looked_at_goes_ahead(lone_archive: Archive, clock: Any) -> None:
    loading = Loading(lone_archive, clock, Exchange(), "BTC", "ETH", "SOL")
    for _ in range(10_000):
        loading.looks.note("SOL")
    loading.run(pages=14)
    assert [symbol for symbol, _ in loading.feed.asked].count("SOL") > 7


def test_quiet_candles_are_none_and_a_page_of_them_is_not_the_end(
    lone_archive: Archive, clock: Any
) -> None:
    since, until = TRUTH[-1, OPEN_TIME] - 4 * DAY, TRUTH[-1, OPEN_TIME] - 2 * DAY
    since, until = since - since % DAY, until - until % DAY
    quiet = (TRUTH[:, OPEN_TIME] >= since) & (TRUTH[:, OPEN_TIME] < until)
    given = TRUTH.copy()
    given[quiet, OPEN : CLOSE + 1] = given[np.flatnonzero(quiet)[0] - 1, CLOSE]
    given[quiet, VOLUME:] = 0
    Loading(lone_archive, clock, Exchange(given)).run()
    for interval in ("1h", "4h", "1d"):
        stored = lone_archive.read("x", "BTC", interval, EVER)
        assert np.array_equal(stored, roll_up(TRUTH[~quiet], INTERVALS[interval])), interval
    minutes = lone_archive.read("x", "BTC", "1m", EVER)
    assert np.array_equal(minutes, TRUTH[~quiet][-len(minutes) :])
    assert minutes[0, OPEN_TIME] < since


def unavailable(_page: CandleArray) -> CandleArray:
    raise PastUnavailable("HTTP 503", 0.5)


def lie(page: CandleArray) -> CandleArray:
    page[0, CLOSE] = np.nan
    return page


@pytest.mark.parametrize(
    "answer",
    [
        unavailable,
        lie,
        lambda page: page[::-1],
        lambda page: page + [HOUR / 8] + [0] * 6,
        lambda page: page + [40 * DAY] + [0] * 6,
        lambda page: page[:, :5],
    ],
    ids=["unavailable", "nan", "backwards", "askew", "newer", "too narrow"],
)
def test_in_spite_of_bad_answers(lone_archive: Archive, clock: Any, answer: Any) -> None:
    feed = Exchange()
    loading = Loading(lone_archive, clock, feed)
    for _ in range(5):
        feed.answers = [answer]
        loading.run(pages=2)
        clock.advance(60)
    feed.answers = []
    clock.advance(60)
    loading.run()
    loading.assert_whole()


def test_fewer_than_a_page_is_no_end(lone_archive: Archive, clock: Any) -> None:
    feed = Exchange()
    feed.answers = [lambda page: page[-3:]] * 20
    loading = Loading(lone_archive, clock, feed)
    loading.run()
    loading.assert_whole()


class AtHand(Exchange):
    past_at_hand = True


class Rest(Exception):
    """Whoever loads has nothing to do for a while."""


class Waiting:
    """One who waits for what is at hand: whoever loads it gets a turn while that one sleeps."""

    def __init__(self, archive: Archive, clock: Any, feed: Exchange, loads: bool = True) -> None:
        self.inline, self.clock, self.loads = Inline(), clock, loads
        archive.write_minutes("x", {"BTC": TRUTH[-100:]}, feed.past_intervals, False)
        offload: Any = self.inline
        market = Market(("BTC",), clock, "x")
        metrics = Metrics()
        self.deep = DeepHistory(feed, market, archive, offload, Looks(), self.sleep, clock, metrics)

    def sleep(self, seconds: float) -> None:
        self.clock.advance(seconds)
        if seconds > 1:
            raise Rest
        if seconds == AT_HAND_LOOK_S and self.loads:
            self.load()

    def load(self) -> None:
        """As far as it can be had now."""
        with pytest.raises(Rest):
            self.deep.run()

    def waited_s(self) -> float:
        begun = self.clock.monotonic()
        self.deep.wait_for_what_is_at_hand()
        return float(self.clock.monotonic() - begun)


def test_a_past_that_is_at_hand_can_be_waited_for(lone_archive: Archive, clock: Any) -> None:
    feed = AtHand()
    waiting = Waiting(lone_archive, clock, feed)
    assert waiting.waited_s() > 0
    assert lone_archive.series("x")["BTC", "1d"].exhausted
    assert waiting.waited_s() == 0


def test_nobody_waits_for_an_exchange(lone_archive: Archive, clock: Any) -> None:
    assert Waiting(lone_archive, clock, Exchange()).waited_s() == 0


def test_nobody_waits_for_a_past_that_can_not_be_had(lone_archive: Archive, clock: Any) -> None:
    feed = AtHand()
    feed.answers = [unavailable]
    waiting = Waiting(lone_archive, clock, feed)
    waiting.load()
    assert waiting.waited_s() == 0


def test_nobody_waits_for_a_database_that_is_away(lone_archive: Archive, clock: Any) -> None:
    waiting = Waiting(lone_archive, clock, AtHand())
    waiting.inline.fault = StorageUnavailable("away")
    waiting.load()
    assert waiting.waited_s() == 0


def test_nobody_waits_for_ever(lone_archive: Archive, clock: Any) -> None:
    waiting = Waiting(lone_archive, clock, AtHand(), loads=False)
    assert waiting.waited_s() == pytest.approx(AT_HAND_S, abs=2 * AT_HAND_LOOK_S)
