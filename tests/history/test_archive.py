"""What is stored is read back as it was, once, and rolled up from whole spans only."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.history.archive import Archive
from backend.history.blocks import in_blocks, pack, unpack
from backend.history.transaction import BREAK_MS
from backend.market.candles import INTERVALS, merge, roll_up
from backend.market.models import CLOSE, OPEN_TIME
from backend.storage.database import Database
from tests.history.conftest import DAY, HOUR, MINUTE, START, made_up

EXCHANGE = ("1d", "1h", "1m")
EVER = 10**6


def write(archive: Archive, minutes, symbol="BTC", past=(), whole=False):
    archive.write_minutes("x", {symbol: minutes}, past, whole)


def read(archive: Archive, interval="1m", limit=EVER, before=None, symbol="BTC"):
    return archive.read("x", symbol, interval, limit, before)


@given(st.integers(0, 300), st.integers(0, 10**6))
def test_a_packed_candle_is_the_same_to_the_last_bit(count: int, seed: int) -> None:
    rows = made_up(START, count, seed=seed) / 3
    assert unpack(pack(rows)).tobytes() == rows.tobytes()
    parts = list(in_blocks(made_up(START + seed * MINUTE, count), MINUTE))
    assert sum(len(part) for _, part in parts) == count
    assert all(len(set(part[:, OPEN_TIME] // (120 * MINUTE))) == 1 for _, part in parts)


def test_minutes_come_back_and_a_repaired_one_takes_the_place_of_the_other(
    archive: Archive,
) -> None:
    rows = made_up(START, 1_000)
    for begin in range(0, 1_000, 170):  # overlapping
        write(archive, rows[max(0, begin - 50) : begin + 170])
    assert np.array_equal(read(archive), rows)
    repaired = rows[500:503].copy()
    repaired[:, CLOSE] += 0.5
    write(archive, repaired)
    assert np.array_equal(read(archive), merge(rows, repaired))
    assert np.array_equal(read(archive, "1h")[-2:], roll_up(merge(rows, repaired), HOUR)[-2:])


def test_every_longer_interval_is_that_of_its_minutes(archive: Archive) -> None:
    rows = made_up(START, 3 * 1_440 + 77)
    for begin in range(0, len(rows), 611):
        write(archive, rows[begin : begin + 611], whole=True)
    for interval, interval_ms in INTERVALS.items():
        assert np.array_equal(read(archive, interval), roll_up(rows, interval_ms)), interval


def test_symbols_and_sources_are_apart(archive: Archive) -> None:
    one, other = made_up(START, 100), made_up(START, 100, seed=2)
    archive.write_minutes("x", {"BTC": one, "ETH": other}, (), False)
    archive.write_minutes("y", {"BTC": other}, (), False)
    assert np.array_equal(archive.read("x", "BTC", "1m", 500), one)
    assert np.array_equal(archive.read("x", "ETH", "1m", 500), other)
    assert np.array_equal(archive.read("y", "BTC", "1m", 500), other)
    archive.clear("x")
    assert len(archive.read("x", "BTC", "1m", 500)) == 0 and archive.series("x") == {}
    assert np.array_equal(archive.read("y", "BTC", "1m", 500), other)


@given(st.data())
def test_any_page_is_a_part_of_the_whole(data: st.DataObject) -> None:
    """With holes of any size, as quiet symbols have them."""
    database = Database("sqlite://")
    database.migrate()
    archive = Archive(database)
    rows = made_up(START, 700)
    kept = data.draw(st.lists(st.integers(0, 699), min_size=1, unique=True).map(sorted))
    rows = rows[kept]
    write(archive, rows)
    before = data.draw(st.one_of(st.none(), st.integers(START - HOUR, START + 701 * MINUTE)))
    limit = data.draw(st.integers(1, 800))
    wanted = rows if before is None else rows[rows[:, OPEN_TIME] < before]
    assert np.array_equal(read(archive, limit=limit, before=before), wanted[-limit:])
    since = data.draw(st.integers(START - HOUR, START + 700 * MINUTE))
    until = since + data.draw(st.integers(1, DAY))
    times = rows[:, OPEN_TIME]
    between = archive.read_between("x", "BTC", "1m", since, until)
    assert np.array_equal(between, rows[(times >= since) & (times < until)])
    database.close()


def test_no_candle_is_made_from_a_part_of_its_time(lone_archive: Archive) -> None:
    write(lone_archive, made_up(START + 90 * MINUTE, 26 * 60), past=EXCHANGE)
    assert read(lone_archive, "1h")[0, OPEN_TIME] == START + 2 * HOUR
    assert read(lone_archive, "4h")[0, OPEN_TIME] == START + 4 * HOUR
    assert read(lone_archive, "1d")[0, OPEN_TIME] == START + DAY
    # Earlier minutes come: what they complete is there then.
    write(lone_archive, made_up(START - DAY, 1_440 + 90), past=EXCHANGE)
    assert read(lone_archive, "1d")[0, OPEN_TIME] == START - DAY
    assert np.array_equal(read(lone_archive, "4h"), roll_up(read(lone_archive), 4 * HOUR))


def test_the_past_of_an_exchange_joins_what_is_rolled_up_here(archive: Archive) -> None:
    """Whatever the size of its pages, and whichever interval comes first."""
    truth = made_up(START - 60 * DAY, 62 * 1_440 + 300)
    live = truth[truth[:, OPEN_TIME] >= START + 10 * HOUR + 7 * MINUTE]
    for order, size in ((("1d", "1h"), 100), (("1h", "1d"), 1_000)):
        archive.clear("x")
        write(archive, live[:100], past=EXCHANGE)
        for interval in order:
            source = roll_up(truth, INTERVALS[interval])
            while True:
                series = archive.series("x")["BTC", interval]
                before = series.since_ms or (START + 11 * HOUR if interval == "1h" else START + DAY)
                page = source[source[:, OPEN_TIME] < before][-size:]
                since = int(page[0, OPEN_TIME]) if len(page) else None
                archive.write_past("x", "BTC", interval, page, since, EXCHANGE)
                if not len(page):
                    break
        write(archive, live[100:], past=EXCHANGE)
        for interval in ("1h", "4h", "1d"):
            expected = roll_up(truth, INTERVALS[interval])
            assert np.array_equal(read(archive, interval), expected), (order, interval)
        assert archive.series("x")["BTC", "1h"].exhausted


def test_after_a_long_interruption_the_past_is_asked_for_again(lone_archive: Archive) -> None:
    write(lone_archive, made_up(START, 600), past=EXCHANGE)
    day = made_up(START - DAY, 24, HOUR)
    lone_archive.write_past("x", "BTC", "1h", day, START - DAY, EXCHANGE)
    lone_archive.write_past("x", "BTC", "1h", made_up(START, 0), None, EXCHANGE)
    later = START + 600 * MINUTE + BREAK_MS
    write(lone_archive, made_up(later, 10), past=EXCHANGE)
    series = lone_archive.series("x")
    assert series["BTC", "1m"].since_ms == later
    assert series["BTC", "1h"].since_ms is None and not series["BTC", "1h"].exhausted


def test_what_is_too_old_goes_and_the_rest_stays(archive: Archive) -> None:
    rows = made_up(START, 10 * 1_440)
    write(archive, rows, whole=True)
    archive.forget("x", "1m", START + 5 * DAY)
    left = read(archive)
    assert START + 5 * DAY - 2 * HOUR <= left[0, OPEN_TIME] <= START + 5 * DAY
    assert np.array_equal(left, rows[-len(left) :])
    assert np.array_equal(read(archive, "1h"), roll_up(rows, HOUR))
    # What is old is not rolled up anew from what is left of it.
    write(archive, rows[-3:], whole=True)
    assert np.array_equal(read(archive, "1d"), roll_up(rows, DAY))


def test_what_fails_in_the_middle_has_not_been_begun(lone_archive: Archive) -> None:
    write(lone_archive, made_up(START, 100))
    bad = made_up(START + 100 * MINUTE, 100)
    with pytest.raises((ValueError, IndexError)):
        lone_archive.write_minutes("x", {"BTC": bad, "ETH": bad[:, :3]}, (), False)
    assert np.array_equal(read(lone_archive), made_up(START, 100))
    assert {symbol for symbol, _ in lone_archive.series("x")} == {"BTC"}


def test_minutes_on_both_sides_of_an_interruption_may_be_written_again(
    lone_archive: Archive,
) -> None:
    """As a market has them that went on from what was stored long ago."""
    before = made_up(START, 600)
    after = made_up(START + 600 * MINUTE + BREAK_MS, 600, seed=2)
    write(lone_archive, before, past=EXCHANGE)
    write(lone_archive, np.concatenate((before, after)), past=EXCHANGE)
    for _again in range(2):
        known = lone_archive.series("x")["BTC", "1m"]
        assert known.since_ms == after[0, OPEN_TIME] and known.until_ms == after[-1, OPEN_TIME]
        assert not known.exhausted
        lone_archive.write_past("x", "BTC", "1h", made_up(START - DAY, 9, HOUR), None, EXCHANGE)
        write(lone_archive, np.concatenate((before, after)), past=EXCHANGE)
        assert lone_archive.series("x")["BTC", "1h"].exhausted
