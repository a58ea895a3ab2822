"""What of the process's memory goes back, and what is left alone."""

import ctypes
import gc
import platform

import pytest

from backend.clock import SystemClock
from backend.history.record_reader import RecordReader
from backend.history.record_store import RecordStore
from backend.market.market import Market
from backend.memory import (
    MANY_CONNECTIONS,
    MUCH_BYTES,
    START_LOOKS,
    Ebb,
    settle,
    tame_malloc,
    unused,
)
from backend.metrics import Metrics
from backend.offload import Offload
from backend.storage.database import Database
from backend.streaming.forecaster import Forecaster
from backend.streaming.rater import Rater
from backend.streaming.track_record import TrackRecord
from tests.analysis.conftest import make_candles
from tests.silent_feeds import SilentFeed
from tests.streaming.conftest import NothingEarlier

HISTORY = make_candles(3, 2 * 1440)


def test_what_was_there_before_clients_is_not_looked_at_for_them() -> None:
    settled = gc.get_freeze_count()
    try:
        settle()
        assert gc.get_freeze_count() > settled
        assert len(gc.get_objects(generation=2)) < 1_000
    finally:
        gc.unfreeze()


def trims(connections: list[int], free: list[int] | None = None) -> list[int]:
    """How many trims there were after each look at so many connections, and free bytes."""
    free = free or [0] * len(connections)
    now, bytes_now, done = iter(connections), iter([free[0], *free]), []
    ebb = Ebb(lambda: next(now), lambda: next(bytes_now), lambda: done.append(None))
    seen = []
    for _ in connections:
        ebb.look()
        seen.append(len(done))
    return seen


def test_when_many_have_left_and_no_more_leave_memory_is_given_back_once() -> None:
    many = MANY_CONNECTIONS
    assert trims([0, 2 * many, many, 10, 10, 10]) == [0, 0, 0, 0, 1, 1]
    assert trims([many, 0, 0, many, 0, 0]) == [0, 0, 1, 1, 1, 2]


def test_when_much_is_free_again_it_is_given_back_once() -> None:
    much = MUCH_BYTES
    looks = [much, 0, much // 2, 2 * much, 2 * much, 2 * much, 2 * much]
    assert trims([0] * 7, looks) == [0, 0, 0, 0, 1, 1, 1]
    # What has been used since and is free once more is the system's again too.
    looks = [0, much, much, 0, much, much]
    assert trims([0] * 6, looks) == [0, 0, 1, 1, 1, 2]
    assert trims([0] * 4, [0, much - 1, much - 1, much - 1]) == [0] * 4


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc says what is free")
def test_what_is_free_between_blocks_is_counted() -> None:
    tame_malloc()
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    libc.free.argtypes = [ctypes.c_void_p]
    blocks = [libc.malloc(16_000) for _ in range(1_000)]
    before = unused()
    for block in blocks[:-1]:
        libc.free(block)
    assert unused() - before == pytest.approx(16_000_000, rel=0.2)
    libc.free(blocks[-1])


def test_for_a_few_that_leave_nothing_is_done() -> None:
    assert trims([MANY_CONNECTIONS - 1, 0, 0]) == [0, 0, 0]


def test_what_the_start_has_taken_for_a_moment_is_given_back_once() -> None:
    assert trims([0] * 2 * START_LOOKS)[START_LOOKS - 2 :] == [0] + [1] * (START_LOOKS + 1)


# Some 30 of them come after the start, and are looked at: of 400 symbols in 4 ms.
OBJECTS_OF_A_SYMBOL = 60


def objects_with(symbols: tuple[str, ...], store: RecordStore) -> int:
    """How many there are for a collection to look at beside what a server keeps of these symbols:
    candles, levels, forecasts, and the record of what was said."""
    market, offload = Market(symbols, SystemClock(), "x"), Offload()
    parts = market, SilentFeed(), store, offload, lambda _s: None, SystemClock(), Metrics()
    record = TrackRecord(*parts)
    rater = Rater(market, symbols, "1h", NothingEarlier(), heard=record.note)
    forecaster = Forecaster(market, symbols, lambda: None)
    reader = RecordReader(market, store, offload)
    for symbol in symbols:
        market.load_history(symbol, HISTORY)
        rater.catch_up(symbol)
    rater.changed_levels()
    forecaster.refresh()
    assert record.look()
    reader.refresh()
    assert any(row.count for row in reader.record(None, "1m", "all"))
    assert len(forecaster.payload()["forecasts"]) == len(symbols)
    gc.collect()
    return len(gc.get_objects())


def test_few_objects_are_kept_of_a_symbol() -> None:
    """A full collection takes the hub for as long as it looks at them all."""
    counts = []
    for number in (10, 10, 30):  # once for what comes with the first
        database = Database("sqlite://")
        database.migrate()
        names = tuple(f"S{index}" for index in range(number))
        counts.append(objects_with(names, RecordStore(database)))
        database.close()
    assert counts[2] - counts[1] < 20 * OBJECTS_OF_A_SYMBOL
