"""The track record in the database: written, read again, bounded, and answered from it."""

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend import green
from backend.analysis.outcomes import SymbolOutcomes
from backend.analysis.record_table import record_table
from backend.analysis.track_record import MOMENT, NOTE, Notes
from backend.clock import DAY_MINUTES, DAY_MS
from backend.history.record_reader import RecordReader
from backend.history.record_store import RecordStore, pack, unpack
from backend.market.market import Market
from backend.offload import Overloaded
from backend.storage.database import Database
from backend.storage.faults import StorageUnavailable
from tests.clocks import ManualClock
from tests.history.conftest import START, Inline, url_of

DAY = START // DAY_MS
HOUR_CODE = 60


def made_up(day: int, seed: int = 1, signals: int = 40) -> Notes:
    """Notes of a day, in order of time: a moment each quarter of an hour, and signals."""
    rng = np.random.default_rng(seed)
    notes = np.zeros(96 + signals, NOTE)
    notes["minute"][:96] = day * DAY_MINUTES + 15 * np.arange(96)
    notes["minute"][96:] = day * DAY_MINUTES + rng.integers(0, DAY_MINUTES, signals)
    notes["timeframe"][96:], notes["level"][96:] = HOUR_CODE, rng.integers(0, 5, signals)
    notes["price"] = rng.uniform(1, 100, len(notes))
    notes["returns"] = rng.normal(0, 0.01, (len(notes), 4))
    return notes[np.lexsort((notes["timeframe"], notes["minute"]))]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.served)])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RecordStore]:
    """An empty store, in either kind of database."""
    database = Database(url_of(request.param, request, tmp_path))
    database.migrate()
    yield RecordStore(database)
    database.close()


@pytest.fixture
def lone_store() -> Iterator[RecordStore]:
    """One in memory, for what does not depend on the database."""
    database = Database("sqlite://")
    database.migrate()
    yield RecordStore(database)
    database.close()


def reader(store: RecordStore, *symbols: str, source: str = "x") -> RecordReader:
    offload: Any = Inline()
    return RecordReader(Market(symbols or ("BTC",), ManualClock(), source), store, offload)


def expected(*notes: Notes) -> Any:
    return record_table([SymbolOutcomes.of_notes(each) for each in notes], HOUR_CODE)


def test_notes_are_packed_to_the_last_bit() -> None:
    notes = made_up(DAY)
    notes["returns"][:2] = [[np.nan, np.inf, 0, -1]]
    assert unpack(pack(notes)).tobytes() == notes.tobytes()
    assert len(unpack(pack(notes[:0]))) == 0
    with pytest.raises(ValueError):
        unpack(zlib.compress(b"1234"))


def test_days_are_written_over_and_read_back(store: RecordStore) -> None:
    first, second, other = made_up(DAY, 1), made_up(DAY + 1, 2), made_up(DAY + 1, 3)
    store.write("x", {("BTC", DAY): first, ("BTC", DAY + 1): second, ("ETH", DAY): second}, 1)
    store.write("x", {("BTC", DAY + 1): other}, 2)
    store.write("y", {("BTC", DAY): second}, 3)
    assert store.versions("x") == {("BTC", DAY): 1, ("BTC", DAY + 1): 2, ("ETH", DAY): 1}
    read = store.read("x", "BTC", [DAY, DAY + 1, DAY + 2])
    assert {day: version for day, (version, _) in read.items()} == {DAY: 1, DAY + 1: 2}
    assert read[DAY + 1][1].tobytes() == other.tobytes()
    assert store.newest("x", "BTC", 9).tobytes() == first.tobytes() + other.tobytes()
    assert store.newest("x", "BTC", 1).tobytes() == other.tobytes()
    store.clear("x")
    assert store.versions("x") == {} and len(store.versions("y")) == 1


def test_what_is_kept_is_bounded_by_age_and_by_number(store: RecordStore) -> None:
    days = {("BTC", DAY + number): made_up(DAY + number) for number in range(10)}
    store.write("x", days, 1)
    store.write("y", days, 1)
    store.forget("x", days=8, signals=10**6)
    assert sorted(day - DAY for _, day in store.versions("x")) == list(range(2, 10))
    store.forget("x", days=8, signals=3 * 40 + 39)
    assert sorted(day - DAY for _, day in store.versions("x")) == [7, 8, 9]
    assert len(store.versions("y")) == 10


def test_a_record_is_that_of_what_is_stored(lone_store: RecordStore) -> None:
    notes = {number: made_up(DAY + number, number) for number in range(12)}
    lone_store.write("x", {("BTC", DAY + n): each for n, each in notes.items() if n < 8}, 1)
    lone_store.write("x", {("ETH", DAY): notes[11]}, 1)
    one = reader(lone_store, "BTC", "ETH", "SOL")
    btc = np.concatenate([notes[number] for number in range(8)])
    assert one.record("BTC", "1h", "all") == expected(btc)
    assert one.record(None, "1h", "all") == expected(btc, notes[11])
    assert one.record("SOL", "1h", "all") == expected()
    assert one.record("BTC", "5m", "all") == expected()
    day = btc[btc["minute"] > btc["minute"].max() - 4 * DAY_MINUTES]
    assert sum(each.count for each in one.record("BTC", "1h", "24h")) < sum(
        each.count for each in expected(day)
    )


def test_what_changes_is_read_and_nothing_else(
    lone_store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Days that come, are judged anew, and are deleted at the old end."""
    notes = {number: made_up(DAY + number, number) for number in range(12)}
    one = reader(lone_store)
    lone_store.write("x", {("BTC", DAY + n): each for n, each in notes.items() if n < 10}, 1)
    one.refresh()
    asked: list[int] = []
    read = lone_store.read

    def counted(source: str, symbol: str, days: Any) -> Any:
        asked.extend(days)
        return read(source, symbol, days)

    monkeypatch.setattr(lone_store, "read", counted)
    one.refresh()
    assert asked == []
    notes[9] = made_up(DAY + 9, 99)
    lone_store.write("x", {("BTC", DAY + 9): notes[9], ("BTC", DAY + 10): notes[10]}, 2)
    lone_store.forget("x", days=8, signals=10**6)
    one.refresh()
    assert sorted(asked) == [DAY + 9, DAY + 10]
    kept = np.concatenate([notes[number] for number in range(3, 11)])
    assert one.record("BTC", "1h", "all") == expected(kept)
    lone_store.clear("x")
    lone_store.write("x", {("BTC", DAY): notes[0]}, 3)
    one.refresh()
    assert one.record("BTC", "1h", "all") == expected(notes[0])


def test_each_source_has_its_own_record(lone_store: RecordStore) -> None:
    lone_store.write("x", {("BTC", DAY): made_up(DAY, 1)}, 1)
    lone_store.write("y", {("BTC", DAY): made_up(DAY, 2)}, 1)
    one = reader(lone_store, source="y")
    assert one.record("BTC", "1h", "all") == expected(made_up(DAY, 2))


class BusyReading(Inline):
    """The lane of what is read has too much to do; there is time to compute."""

    def compute(self, function: Any, *args: Any) -> Any:
        green.pause()
        return function(*args)


def test_while_nothing_can_be_read_yet_there_is_a_record_of_nothing(
    lone_store: RecordStore,
) -> None:
    lone_store.write("x", {("BTC", DAY): made_up(DAY)}, 1)
    offload: Any = BusyReading()
    one = RecordReader(Market(("BTC",), ManualClock(), "x"), lone_store, offload)
    offload.fault = Overloaded("busy")
    rows = one.record("BTC", "1h", "all")
    assert len(rows) == 20 and not any(row.count for row in rows)
    offload.fault = StorageUnavailable("away")
    with pytest.raises(StorageUnavailable):
        one.record("BTC", "1h", "all")
    offload.fault = None
    assert one.record("BTC", "1h", "all") == expected(made_up(DAY))
    offload.fault = StorageUnavailable("away")
    assert one.record("BTC", "1h", "7d") == expected(made_up(DAY))


def test_many_who_ask_at_once_have_it_read_and_computed_once(
    lone_store: RecordStore,
) -> None:
    lone_store.write("x", {("BTC", DAY): made_up(DAY)}, 1)
    asked: list[object] = []

    class Counting:
        def compute(self, function: Any, *args: Any) -> Any:
            asked.append(function)
            green.pause()
            return function(*args)

        read_candles = compute

    offload: Any = Counting()
    one = RecordReader(Market(("BTC",), ManualClock(), "x"), lone_store, offload)
    found: list[Any] = []
    for _ in range(5):
        green.spawn(lambda: found.append(one.record("BTC", "1h", "all")))
    while len(found) < 5:
        green.pause()
    assert all(rows == expected(made_up(DAY)) for rows in found)
    assert len(asked) == 2


def test_a_symbol_that_has_gone_counts_no_more(lone_store: RecordStore) -> None:
    lone_store.write("x", {(name, DAY): made_up(DAY) for name in ("BTC", "ETH")}, 1)
    offload: Any = Inline()
    market = Market(("BTC", "ETH"), ManualClock(), "x")
    one = RecordReader(market, lone_store, offload)
    assert one.record(None, "1h", "all") == expected(made_up(DAY), made_up(DAY))
    market.give_up("ETH")
    one.refresh()
    assert one.record(None, "1h", "all") == expected(made_up(DAY))


def test_moments_are_no_signals(lone_store: RecordStore) -> None:
    notes = made_up(DAY, signals=0)
    assert (notes["timeframe"] == MOMENT).all()
    lone_store.write("x", {("BTC", DAY): notes}, 1)
    assert all(row.count == 0 for row in reader(lone_store).record(None, "1h", "all"))
