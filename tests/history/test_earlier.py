"""Candles from before the market's: what longer timeframes lack, and no look at what is away."""

from types import SimpleNamespace
from typing import Any

import numpy as np

from backend.history.archive import Archive
from backend.history.earlier import RETRY_S, EarlierCandles
from backend.market.candles import INTERVALS, roll_up
from backend.market.models import OPEN_TIME
from backend.storage.faults import StorageUnavailable
from tests.clocks import ManualClock
from tests.history.conftest import DAY, MINUTE, START, Inline, made_up

ALL = made_up(START - 10 * DAY, 10 * 1_440)
# Held by the market: from within a day, an hour and five minutes on.
HELD = ALL[-2_003:]


class Reading:
    """An archive with ten days of minutes, and who reads of it."""

    def __init__(self, archive: Archive, clock: ManualClock) -> None:
        archive.write_minutes("x", {"BTC": ALL}, (), True)
        self.pages, self.clock, self.inline = 3, clock, Inline()
        offload: Any = self.inline
        loading: Any = SimpleNamespace(pages=lambda _symbol: self.pages)
        self.earlier = EarlierCandles(lambda _symbol: "x", archive, offload, loading, clock)

    def version(self) -> int:
        return self.earlier.version("BTC")


def test_what_the_minutes_lack_is_read_whole(lone_archive: Archive, clock: ManualClock) -> None:
    found = Reading(lone_archive, clock).earlier.before("BTC", HELD, 100)
    # Of minutes, and of five of them, there are enough.
    assert list(found) == ["1h", "4h", "1d"]
    first_ms = int(HELD[0, OPEN_TIME])
    for timeframe, candles in found.items():
        interval = INTERVALS[timeframe]
        expected = roll_up(ALL, interval)
        expected = expected[expected[:, OPEN_TIME] <= first_ms]
        lacking = 100 - 2_002 * MINUTE // interval
        np.testing.assert_array_equal(candles, expected[-lacking:])


def test_a_market_without_minutes_has_nothing_before_them(
    lone_archive: Archive, clock: ManualClock
) -> None:
    assert Reading(lone_archive, clock).earlier.before("BTC", ALL[:0], 100) == {}


def test_there_may_be_more_with_each_page_of_the_past(
    lone_archive: Archive, clock: ManualClock
) -> None:
    reading = Reading(lone_archive, clock)
    before = reading.version()
    assert reading.version() == before
    reading.pages += 1
    assert reading.version() > before


def test_a_database_that_is_away_is_left_alone_for_a_while(
    lone_archive: Archive, clock: ManualClock
) -> None:
    reading = Reading(lone_archive, clock)
    before = reading.version()
    reading.inline.fault = StorageUnavailable("away")
    assert reading.earlier.before("BTC", HELD, 100) == {}
    reading.inline.fault = AssertionError("it is asked all the same")
    clock.advance(RETRY_S - 1)
    assert reading.version() == before
    assert reading.earlier.before("BTC", HELD, 100) == {}
    clock.advance(1)
    reading.inline.fault = None
    assert reading.version() > before
    assert len(reading.earlier.before("BTC", HELD, 100)) == 3
