"""A market's candles outlive it: written as they close, repaired, restored, whatever fails."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from backend.feeds.base import Feed
from backend.history.archive import Archive
from backend.history.history import History
from backend.history.looks import Looks
from backend.history.reader import PAGE_CANDLES, CandleReader
from backend.history.unwritten import MINUTES_AT_ONCE, SYMBOLS_AT_ONCE
from backend.market.candles import INTERVALS, MINUTES_KEPT, roll_up
from backend.market.market import Market
from backend.market.models import CLOSE, OPEN, OPEN_TIME, Trade
from backend.metrics import Metrics
from backend.offload import Overloaded
from backend.storage.faults import Fault, StorageUnavailable
from tests.history.conftest import DAY, MINUTE, START, Inline, made_up
from tests.silent_feeds import SilentFeed, SilentRecording

EVER = 10**6


class Process:
    """What a process has of it; `start` does not run its tasks, so that tests flush by hand."""

    def __init__(
        self,
        archive: Archive,
        clock: Any,
        *symbols: str,
        feed: Feed | None = None,
        fault: Exception | None = None,
        market: Market | None = None,
    ) -> None:
        self.market = market or Market(symbols or ("BTC",), clock, "x")
        self.offload: Any = Inline()
        self.offload.fault = fault
        self.metrics = Metrics()
        self.looks = Looks()
        self.history = History(
            self.market,
            feed or SilentFeed(),
            archive,
            self.offload,
            {"1m": 2.0},
            self.looks,
            self._sleep,
            clock,
            self.metrics,
        )
        self.reader = CandleReader(self.market, archive, self.offload, self.looks)
        self.tasks: dict[str, Callable[[], None]] = {}
        self._running = False
        self.history.start(lambda _supervise, name, run, *_: self.tasks.update({name: run}))

    def _sleep(self, _seconds: float) -> None:
        if self._running:
            self.history.stop()

    def run_once(self) -> None:
        """Run the task that writes until it has nothing to do."""
        self._running = True
        self.tasks["history"]()

    def trade(self, minute: int, price: float, symbol: str = "BTC") -> None:
        self.market.apply_trade(Trade(symbol, START + minute * MINUTE, price, 1.0))


def test_what_closed_is_there_after_a_restart(lone_archive: Archive, clock: Any) -> None:
    one = Process(lone_archive, clock)
    for minute in range(50):
        one.trade(minute, 100 + minute)
    assert one.history.flush()
    two = Process(lone_archive, clock)
    assert np.array_equal(two.market.closed_candles("BTC"), one.market.closed_candles("BTC"))
    assert len(two.market.closed_candles("BTC")) == 49  # the last one was forming
    assert two.market.quote("BTC").price == 148


def test_a_repair_is_written_and_whoever_restores_has_it(lone_archive: Archive, clock: Any) -> None:
    one = Process(lone_archive, clock)
    for minute in range(50):
        one.trade(minute, 100 + minute)
    one.history.flush()
    repaired = one.market.closed_candles("BTC")[10:12].copy()
    repaired[:, OPEN : CLOSE + 1] += 0.25
    one.market.load_history("BTC", repaired)
    one.history.flush()
    stored = lone_archive.read("x", "BTC", "1m", EVER)
    assert np.array_equal(stored, one.market.closed_candles("BTC"))
    assert stored[10, CLOSE] == repaired[0, CLOSE]


@pytest.mark.parametrize("fault", [Overloaded("busy"), StorageUnavailable("gone", Fault.GONE)])
def test_while_the_database_is_away_nothing_is_lost(
    lone_archive: Archive, clock: Any, fault: Exception
) -> None:
    one = Process(lone_archive, clock)
    one.offload.fault = fault
    for minute in range(50):
        one.trade(minute, 100 + minute)
        assert one.history.flush() is (minute == 0)
    assert len(one.reader.candles("BTC", "1m", 10)) == 10  # from memory
    one.offload.fault = None
    assert one.history.flush()
    assert np.array_equal(
        lone_archive.read("x", "BTC", "1m", EVER), one.market.closed_candles("BTC")
    )


def test_a_database_that_can_not_be_read_at_the_start_does_not_keep_the_market_from_it(
    lone_archive: Archive, clock: Any
) -> None:
    one = Process(lone_archive, clock, fault=StorageUnavailable("gone", Fault.GONE))
    one.offload.fault = None
    one.trade(0, 100.0)
    one.trade(1, 101.0)
    assert one.history.flush()
    assert len(lone_archive.read("x", "BTC", "1m", EVER)) == 1


def test_many_symbols_are_written_in_several_transactions(
    lone_archive: Archive, clock: Any
) -> None:
    symbols = [f"S{number}" for number in range(3 * SYMBOLS_AT_ONCE)]
    one = Process(lone_archive, clock, *symbols)
    for symbol in symbols:
        one.market.load_history(symbol, made_up(START, 10))
    assert one.history.flush()
    assert all(len(lone_archive.read("x", symbol, "1m", EVER)) == 10 for symbol in symbols)


def test_much_of_a_few_symbols_is_written_in_several_transactions(
    lone_archive: Archive, clock: Any
) -> None:
    symbols = [f"S{number}" for number in range(4)]
    one = Process(lone_archive, clock, *symbols)
    written: list[int] = []
    write = one.offload.write_candles

    def counted(function: Any, source: str, minutes: Any, *rest: Any) -> Any:
        written.append(len(minutes))
        return write(function, source, minutes, *rest)

    one.offload.write_candles = counted
    for symbol in symbols:
        one.market.load_history(symbol, made_up(START, MINUTES_AT_ONCE // 2 + 1))
    assert one.history.flush()
    assert written == [2, 2]
    stored = [len(lone_archive.read("x", symbol, "1m", EVER)) for symbol in symbols]
    assert stored == [MINUTES_AT_ONCE // 2 + 1] * 4


def test_who_takes_over_keeps_its_own_minutes_and_has_older_ones_beside(
    lone_archive: Archive, clock: Any
) -> None:
    rows = made_up(START, 500)
    lone_archive.write_minutes("x", {"BTC": rows[:300]}, (), False)
    market = Market(("BTC",), clock, "x")
    own = rows[200:].copy()
    own[:, CLOSE] = np.round(own[:, CLOSE])
    market.load_history("BTC", own)
    one = Process(lone_archive, clock)
    history = History(
        market,
        SilentFeed(),
        lone_archive,
        one.offload,
        {},
        Looks(),
        lambda _s: None,
        clock,
        Metrics(),
    )
    history.start(lambda *_: None)
    expected = np.concatenate((rows[:200], own))
    assert np.array_equal(market.closed_candles("BTC"), expected)
    history.flush()  # what the one before did not get to write
    assert np.array_equal(lone_archive.read("x", "BTC", "1m", EVER), expected)


def test_a_recording_begins_anew_and_all_that_was_played_is_there(
    lone_archive: Archive, clock: Any
) -> None:
    rows = made_up(START + 7 * MINUTE, MINUTES_KEPT + 3_000)
    for _run in range(2):
        one = Process(lone_archive, clock, feed=SilentRecording())
        assert len(one.market.closed_candles("BTC")) == 0
        for begin in range(0, len(rows), 1_000):
            one.market.load_history("BTC", rows[begin : begin + 1_000])
            one.history.flush()
        assert np.array_equal(one.reader.candles("BTC", "1m", EVER), rows)
        for interval, interval_ms in INTERVALS.items():
            read = one.reader.candles("BTC", interval, EVER)
            assert np.array_equal(read, roll_up(rows, interval_ms)), interval


def test_who_takes_over_a_recording_has_all_that_was_played_before(
    lone_archive: Archive, clock: Any
) -> None:
    rows = made_up(START + 7 * MINUTE, MINUTES_KEPT + 3_000)
    taken_over = MINUTES_KEPT + 1_000
    one = Process(lone_archive, clock, feed=SilentRecording())
    for begin in range(0, taken_over, 1_000):
        one.market.load_history("BTC", rows[begin : begin + 1_000])
        one.history.flush()
    unwritten = rows[taken_over : taken_over + 30]
    one.market.load_history("BTC", unwritten)
    # Killed before it has written these; the other one has heard of them.
    market = Market(("BTC",), clock, "x")
    market.load_history("BTC", one.market.closed_candles("BTC"))
    two = Process(lone_archive, clock, feed=SilentRecording(), market=market)
    two.market.load_history("BTC", rows[taken_over + 30 :])
    two.history.flush()
    assert np.array_equal(two.reader.candles("BTC", "1m", EVER), rows)
    for interval, interval_ms in INTERVALS.items():
        read = two.reader.candles("BTC", interval, EVER)
        assert np.array_equal(read, roll_up(rows, interval_ms)), interval


def test_memory_and_database_are_one_series_page_by_page(lone_archive: Archive, clock: Any) -> None:
    rows = made_up(START, MINUTES_KEPT + 5_000)
    lone_archive.write_minutes("x", {"BTC": rows[:-40]}, (), True)
    one = Process(lone_archive, clock)
    one.market.load_history("BTC", rows[-40:])
    one.trade(len(rows), 123.0)
    whole = {interval: one.reader.candles("BTC", interval, EVER) for interval in INTERVALS}
    assert np.array_equal(whole["1m"][:-1], rows) and whole["1m"][-1, CLOSE] == 123.0
    for interval, all_of_them in whole.items():
        assert np.array_equal(
            all_of_them[:-1], roll_up(rows, INTERVALS[interval])[: len(all_of_them) - 1]
        )
        pages, before = [], None
        while len(page := one.reader.candles("BTC", interval, 371, before)):
            pages.append(page)
            before = int(page[0, OPEN_TIME])
        assert np.array_equal(np.concatenate(pages[::-1]), all_of_them), interval
        streamed = list(one.reader.pages("BTC", interval, 3_333))
        assert np.array_equal(np.concatenate(streamed), all_of_them[-3_333:]), interval
        assert all(len(page) <= PAGE_CANDLES for page in streamed)


def test_what_is_older_than_its_retention_is_deleted(lone_archive: Archive, clock: Any) -> None:
    lone_archive.write_minutes("x", {"BTC": made_up(START - 9 * DAY, 9 * 1_440)}, (), True)
    one = Process(lone_archive, clock)
    one.run_once()
    left = lone_archive.read("x", "BTC", "1m", EVER)
    assert START - 2 * DAY - 2 * 3_600_000 <= left[0, OPEN_TIME] <= START - 2 * DAY
    assert lone_archive.read("x", "BTC", "1h", EVER)[0, OPEN_TIME] == START - 9 * DAY
