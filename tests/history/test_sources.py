"""A market of several sources: the candles of each are kept apart, and none is lost."""

from typing import Any

import numpy as np
import pytest

from backend.history.archive import Archive
from backend.history.deep import DeepHistory
from backend.history.history import History
from backend.history.looks import Looks
from backend.history.reader import CandleReader
from backend.history.remembered import Remembered
from backend.market.market import Market
from backend.market.models import CLOSE, OPEN_TIME, CandleArray
from backend.metrics import Metrics
from backend.storage.faults import Fault, StorageUnavailable
from tests.history.conftest import DAY, MINUTE, START, Inline, made_up
from tests.silent_feeds import SilentFeed

EVER = 10**6
GONE = StorageUnavailable("gone", Fault.GONE)


class One(SilentFeed):
    name = "one"
    past_intervals = ("1h",)

    def past(self, symbol: str, interval: str, before_ms: int, limit: int) -> CandleArray:
        return made_up(START - 30 * DAY, 24, 60 * MINUTE)


class Other(SilentFeed):
    name = "other"


class Both(SilentFeed):
    """Speaks with the voice of the one or the other."""

    name = "both"

    def __init__(self) -> None:
        self.one, self.other = One(), Other()
        self.voice: SilentFeed = self.one

    @property
    def sources(self) -> dict[str, tuple[str, ...]]:
        return {feed.name: feed.past_intervals for feed in (self.one, self.other)}

    @property
    def present(self) -> SilentFeed:
        return self.voice


class Process:
    """A market whose symbols go over from one source to the other."""

    def __init__(self, archive: Archive, clock: Any, *symbols: str) -> None:
        self.clock = clock
        self.feed = Both()
        self.market = Market(symbols or ("BTC",), clock, "one")
        self.offload: Any = Inline()
        self.archive = archive
        looks, metrics = Looks(), Metrics()
        self.history = History(
            self.market, self.feed, archive, self.offload, {}, looks, lambda _: None, clock, metrics
        )
        self.reader = CandleReader(self.market, archive, self.offload, looks)
        self.history.start(lambda *_: None)

    def go_over(self, source: str, *symbols: str) -> None:
        """As `Understudy.lead` does it, with what is remembered and 10 minutes that are new."""
        self.market.follow(source)
        for symbol in symbols or self.market.symbols:
            behind = Market((symbol,), self.clock, source)
            stored = Remembered(self.archive, self.offload, Metrics()).minutes(source, (symbol,))
            for _, minutes in stored:
                if len(minutes):
                    behind.load_history(symbol, minutes)
            behind.load_history(symbol, minutes_of(source))
            instrument = behind.release(symbol)
            assert instrument is not None
            self.market.change_source(symbol, instrument)

    def stored(self, source: str, symbol: str = "BTC") -> CandleArray:
        return self.archive.read(source, symbol, "1m", EVER)


def minutes_of(source: str, count: int = 10, begin: int = 0) -> CandleArray:
    return made_up(START, 500, seed=len(source))[begin : begin + count]


def test_each_source_has_its_own_and_finds_it_again(lone_archive: Archive, clock: Any) -> None:
    process = Process(lone_archive, clock, "BTC", "ETH")
    for symbol in ("BTC", "ETH"):
        process.market.load_history(symbol, minutes_of("one", 200))
    process.history.flush()
    process.market.load_history("BTC", minutes_of("one", 50, 200))  # not written yet
    process.go_over("other", "BTC")
    assert process.history.flush()
    assert np.array_equal(process.stored("one"), minutes_of("one", 250))
    assert np.array_equal(process.stored("other"), minutes_of("other"))
    assert np.array_equal(process.reader.candles("BTC", "1m", EVER), minutes_of("other"))
    # Who has not gone over is what it was.
    assert np.array_equal(process.reader.candles("ETH", "1m", EVER), minutes_of("one", 200))
    assert len(process.stored("other", "ETH")) == 0
    process.go_over("one", "BTC")
    assert np.array_equal(process.market.closed_candles("BTC"), minutes_of("one", 250))
    process.history.flush()
    assert np.array_equal(process.reader.candles("BTC", "1m", EVER), minutes_of("one", 250))
    assert np.array_equal(process.stored("other"), minutes_of("other"))


def test_what_a_source_left_unwritten_is_written_when_the_database_is_back(
    lone_archive: Archive, clock: Any
) -> None:
    process = Process(lone_archive, clock)
    process.offload.fault = GONE
    process.market.load_history("BTC", minutes_of("one", 100))
    assert not process.history.flush()
    process.go_over("other")
    assert not process.history.flush()
    process.go_over("one")  # with its first minutes alone: nothing could be read
    repaired = minutes_of("one", 5).copy()
    repaired[:, CLOSE] = np.round(repaired[:, CLOSE])
    process.market.load_history("BTC", repaired)
    process.go_over("other")
    process.offload.fault = None
    assert process.history.flush()
    expected = minutes_of("one", 100).copy()
    expected[:5] = repaired
    assert np.array_equal(process.stored("one"), expected)
    assert np.array_equal(process.stored("other"), minutes_of("other"))


def test_a_change_while_a_batch_is_refused_mixes_nothing(lone_archive: Archive, clock: Any) -> None:
    process = Process(lone_archive, clock)
    process.market.load_history("BTC", minutes_of("one", 100))
    write = process.offload.write_candles

    def refuse(*_: Any) -> Any:
        process.offload.write_candles = write
        process.go_over("other")
        raise GONE

    process.offload.write_candles = refuse
    assert not process.history.flush()
    assert process.history.flush()
    assert np.array_equal(process.stored("one"), minutes_of("one", 100))
    assert np.array_equal(process.stored("other"), minutes_of("other"))


def test_an_answer_is_of_one_source_though_it_changes_meanwhile(
    lone_archive: Archive, clock: Any
) -> None:
    process = Process(lone_archive, clock)
    process.market.load_history("BTC", minutes_of("one", 400))
    process.history.flush()
    read = process.offload.read_candles

    def change(*call: Any) -> Any:
        process.offload.read_candles = read
        process.go_over("other")
        return read(*call)

    process.offload.read_candles = change
    assert np.array_equal(process.reader.candles("BTC", "1m", 450), minutes_of("one", 400))
    process.go_over("one")
    process.history.flush()

    def change_amid_pages(function: Any, *args: Any) -> Any:
        if function == lone_archive.read_between:
            change(function, *args)
        return read(function, *args)

    process.offload.read_candles = change_amid_pages
    pages = list(process.reader.pages("BTC", "1m", EVER))
    assert process.market.source("BTC") == "other"
    assert np.array_equal(np.concatenate(pages), minutes_of("one", 400))


@pytest.mark.parametrize("change", [False, True])
def test_a_past_is_stored_under_the_name_of_who_was_asked(
    lone_archive: Archive, clock: Any, change: bool
) -> None:
    process = Process(lone_archive, clock)
    process.market.load_history("BTC", minutes_of("one", 200))
    process.history.flush()
    deep = DeepHistory(
        process.feed, process.market, lone_archive, process.offload, Looks(),
        lambda _: deep.stop(), clock, Metrics(),
    )  # fmt: skip
    past = process.feed.one.past

    def ask(*page: Any) -> CandleArray:
        if change:
            process.feed.voice = process.feed.other
            process.go_over("other")
        return past(*page)

    process.feed.one.past = ask  # type: ignore[method-assign]
    deep.run()
    process.history.flush()
    hours = lone_archive.read("one", "BTC", "1h", EVER)
    assert len(hours[hours[:, OPEN_TIME] < START]) == 24
    assert len(lone_archive.read("other", "BTC", "1h", EVER, START)) == 0
