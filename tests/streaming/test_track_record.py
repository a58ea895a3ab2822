"""The record is kept whatever happens: live, from history, over restarts and failures."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from backend.analysis.board import RatingBoard
from backend.analysis.track_record import MOMENT, Notes, SymbolRecord
from backend.clock import DAY_MS, MINUTE_MS
from backend.feeds.base import Feed
from backend.history.record_store import RecordStore
from backend.market.candles import row_candle
from backend.market.market import Market
from backend.market.models import OPEN_TIME, CandleArray
from backend.metrics import Metrics
from backend.offload import Overloaded
from backend.storage.database import Database
from backend.storage.faults import Fault, StorageUnavailable
from backend.streaming.rater import Rater
from backend.streaming.track_record import DAYS_AT_ONCE, TrackRecord
from tests.analysis.conftest import make_candles
from tests.clocks import ManualClock
from tests.history.conftest import Inline
from tests.silent_feeds import SilentFeed, SilentRecording
from tests.streaming.conftest import NothingEarlier, go_over

CANDLES = make_candles(11, 3 * 1440)
HALF = 2_000


class Process:
    """What one has of it, with what says levels; tests look by hand."""

    def __init__(self, store: RecordStore, *symbols: str, feed: Feed | None = None) -> None:
        self.symbols = symbols or ("BTC",)
        clock = ManualClock(int(CANDLES[0, OPEN_TIME]))
        self.market = Market(self.symbols, clock, "x")
        self.offload: Any = Inline()
        self.record = TrackRecord(
            self.market,
            feed or SilentFeed(),
            store,
            self.offload,
            lambda seconds: None,
            clock,
            Metrics(),
        )
        self.rater = Rater(
            self.market, self.symbols, "1m", NothingEarlier(), heard=self.record.note
        )

    def load(self, candles: CandleArray) -> None:
        for symbol in self.symbols:
            self.market.load_history(symbol, candles)
        assert self.look()

    def live(self, candles: CandleArray) -> None:
        for place, row in enumerate(candles.tolist()):
            for symbol in self.symbols:
                self.market.apply_candle(symbol, row_candle(row))
            self.rate()
            if place % 13 == 0:
                self.record.look()

    def rate(self) -> None:
        for symbol in self.symbols:
            self.rater.catch_up(symbol)
        self.rater.changed_levels()

    def look(self) -> bool:
        self.rate()
        return self.record.look()


@pytest.fixture
def store() -> Iterator[RecordStore]:
    database = Database("sqlite://")
    database.migrate()
    yield RecordStore(database)
    database.close()


def stored(store: RecordStore, symbol: str = "BTC", source: str = "x") -> Notes:
    return store.newest(source, symbol, 100)


def true_notes(candles: CandleArray = CANDLES) -> Notes:
    board, record = RatingBoard(("BTC",)), SymbolRecord()
    board.load("BTC", candles)
    record.note(board.changes()["BTC"])
    record.judge(candles)
    return record.notes


def said_in(notes: Notes) -> Any:
    return notes[["minute", "timeframe", "level"]].tolist()


def assert_same(one: Notes, other: Notes) -> None:
    assert one.tobytes() == other.tobytes()


def test_at_the_start_the_record_is_that_of_the_history_that_is_there(store: RecordStore) -> None:
    Process(store).load(CANDLES)
    assert_same(stored(store), true_notes())
    said = stored(store)
    assert (said["timeframe"] != MOMENT).sum() > 300


def test_live_the_record_is_the_same_as_from_history(store: RecordStore) -> None:
    one = Process(store)
    one.load(CANDLES[:HALF])
    one.live(CANDLES[HALF:])
    assert one.record.look()
    assert_same(stored(store), true_notes())


def test_a_restart_in_the_middle_changes_nothing(store: RecordStore) -> None:
    one = Process(store)
    one.load(CANDLES[:HALF])
    one.live(CANDLES[HALF : HALF + 500])
    one.record.look()
    two = Process(store)
    two.load(CANDLES[: HALF + 500])
    two.live(CANDLES[HALF + 500 :])
    two.record.look()
    assert_same(stored(store), true_notes())


def test_what_was_said_twice_after_a_kill_counts_once(store: RecordStore) -> None:
    """Levels come back from an older state than the record's, and are said again."""
    one = Process(store)
    one.load(CANDLES[:HALF])
    one.live(CANDLES[HALF : HALF + 500])
    one.record.look()
    two = Process(store)
    two.load(CANDLES[:HALF])
    two.live(CANDLES[HALF:])
    two.record.look()
    assert_same(stored(store), true_notes())


def test_a_long_pause_is_gone_through(store: RecordStore) -> None:
    Process(store).load(CANDLES[:1000])
    two = Process(store)
    two.load(CANDLES)
    assert_same(stored(store), true_notes())


@pytest.mark.parametrize("fault", [Overloaded("busy"), StorageUnavailable("gone", Fault.GONE)])
def test_while_the_database_is_away_nothing_is_lost(store: RecordStore, fault: Exception) -> None:
    one = Process(store)
    one.load(CANDLES[:HALF])
    one.offload.fault = fault
    one.live(CANDLES[HALF:])
    assert one.record.look() is False
    one.offload.fault = None
    assert one.record.look()
    assert_same(stored(store), true_notes())


def test_a_feed_that_begins_anew_clears_what_it_has_left(store: RecordStore) -> None:
    Process(store, feed=SilentRecording()).load(CANDLES)
    store.write("y", {("BTC", 1): true_notes()[:3]}, 1)
    Process(store, feed=SilentRecording()).load(CANDLES[:HALF])
    assert_same(stored(store), true_notes(CANDLES[:HALF]))
    assert len(stored(store, source="y")) == 3


def test_who_takes_over_in_its_midst_keeps_what_was_written(store: RecordStore) -> None:
    Process(store, feed=SilentRecording()).load(CANDLES)
    other = Process(store, feed=SilentRecording())
    other.market.load_history("BTC", CANDLES[-HALF:])
    other.record.start(lambda _run: None)
    assert other.look()
    assert_same(stored(store), true_notes())


def test_another_source_has_a_record_and_levels_of_its_own(store: RecordStore) -> None:
    one = Process(store)
    one.load(CANDLES[:HALF])
    for row in CANDLES[HALF : HALF + 120].tolist():
        one.market.apply_candle("BTC", row_candle(row))
        one.rate()  # and before the record is looked at, the symbol goes over to another
    dear = CANDLES[:1500] * [1, 2, 2, 2, 2, 1, 1]
    go_over(one.market, "BTC", "y", dear)
    assert one.look()
    said = signals(true_notes(CANDLES[: HALF + 120]))
    assert len(said) > len(signals(true_notes(CANDLES[:HALF])))
    assert said_in(signals(stored(store))) == said_in(said)
    theirs = stored(store, source="y")
    assert said_in(theirs) == said_in(true_notes(CANDLES[:1500]))
    assert theirs["price"].tolist() == (2 * true_notes(CANDLES[:1500])["price"]).tolist()
    go_over(one.market, "BTC", "x", CANDLES)
    assert one.look()
    assert_same(stored(store), true_notes())
    assert_same(stored(store, source="y"), theirs)


def signals(notes: Notes) -> Notes:
    return notes[notes["timeframe"] != MOMENT]


def test_a_gap_that_the_feed_fills_is_judged_by_it(store: RecordStore) -> None:
    one = Process(store)
    one.load(np.delete(CANDLES, slice(HALF, HALF + 100), axis=0))
    before = stored(store)
    one.market.load_history("BTC", CANDLES[HALF : HALF + 100])
    assert one.record.look()
    after = stored(store)
    moments = after[after["timeframe"] == MOMENT]
    assert_same(moments, (notes := true_notes())[notes["timeframe"] == MOMENT])
    assert len(after) > len(before)
    said = [each[each["timeframe"] != MOMENT] for each in (before, after)]
    assert (said[0]["minute"] == said[1]["minute"]).all()


def test_much_is_written_in_several_transactions(
    store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    write = store.write

    def counted(source: str, days: Any, version: int) -> None:
        sizes.append(len(days))
        write(source, days, version)

    monkeypatch.setattr(store, "write", counted)
    symbols = [f"S{number}" for number in range(15)]
    Process(store, *symbols).load(CANDLES)
    assert max(sizes) == DAYS_AT_ONCE and sum(sizes) == 15 * 4
    assert all(len(stored(store, symbol)) == len(true_notes()) for symbol in symbols[:2])


def test_what_is_old_is_let_go_of_in_memory_and_stays_in_the_database(store: RecordStore) -> None:
    one = Process(store)
    one.load(CANDLES)
    later = CANDLES.copy()
    later[:, OPEN_TIME] += 30 * DAY_MS
    one.live(later[:2])
    one.market.load_history("BTC", later)
    assert one.look()
    kept = stored(store)
    assert said_in(kept)[: len(true_notes())] == said_in(true_notes())
    assert len(kept) > len(true_notes())
    assert kept["minute"][0] == CANDLES[0, OPEN_TIME] // MINUTE_MS + 15
