"""Candle series and roll-ups, against a direct aggregation of the same minutes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.market.candles import (
    INTERVALS,
    MINUTES_KEPT,
    ROLLED_KEPT,
    CandleSeries,
    CandleStore,
    RolledSeries,
    merge,
    roll_up,
)

MINUTE = 60_000
DAY_START = 1_699_920_000_000  # midnight UTC


def minutes_of(offsets, seed=0):
    """Random consistent candles in these minutes after midnight."""
    random = np.random.default_rng(seed)
    rows = np.empty((len(offsets), 7))
    rows[:, 0] = DAY_START + MINUTE * np.asarray(offsets, dtype=float)
    rows[:, 1], rows[:, 4] = random.uniform(90, 110, (2, len(offsets)))
    rows[:, 2] = rows[:, [1, 4]].max(axis=1) + random.uniform(0, 1, len(offsets))
    rows[:, 3] = rows[:, [1, 4]].min(axis=1) - random.uniform(0, 1, len(offsets))
    rows[:, 5:] = random.uniform(0, 1000, (len(offsets), 2))
    return rows


def directly_rolled(rows, interval_ms):
    """The slow and obvious way."""
    buckets: dict[float, list] = {}
    for row in rows:
        buckets.setdefault(row[0] // interval_ms * interval_ms, []).append(row)
    return np.array(
        [
            [
                start,
                group[0][1],
                max(row[2] for row in group),
                min(row[3] for row in group),
                group[-1][4],
                sum(row[5] for row in group),
                sum(row[6] for row in group),
            ]
            for start, group in buckets.items()
        ]
    ).reshape(-1, 7)


gapped_minutes = st.sets(st.integers(0, 4000), min_size=1, max_size=200).map(sorted)


@given(gapped_minutes, st.sampled_from(sorted(INTERVALS)))
def test_roll_up_equals_the_direct_aggregation(offsets, interval):
    rows = minutes_of(offsets)
    interval_ms = INTERVALS[interval]
    np.testing.assert_allclose(
        roll_up(rows, interval_ms), directly_rolled(rows, interval_ms), rtol=1e-12
    )


@given(gapped_minutes, st.data())
def test_a_store_kept_up_in_any_way_equals_the_direct_aggregation(offsets, data):
    """Some minutes loaded at once, others appended, the last one still forming, a late backfill."""
    rows = minutes_of(offsets)
    loaded = data.draw(st.integers(0, len(rows)))
    appended = data.draw(st.integers(loaded, len(rows)))
    late = data.draw(st.sets(st.integers(0, max(0, appended - 2)))) if appended > 1 else set()
    store = CandleStore()
    early = [index for index in range(loaded) if index not in late]
    if early:
        store.load(rows[early])
    for index in range(loaded, appended):
        if index not in late:
            store.append(rows[index].tolist())
    if late:
        store.load(rows[sorted(late)])
    forming = rows[appended].tolist() if appended < len(rows) else None
    known = rows[: appended + (forming is not None)]
    for interval, interval_ms in INTERVALS.items():
        np.testing.assert_allclose(
            store.view(interval, 10_000, forming), directly_rolled(known, interval_ms), rtol=1e-12
        )


def test_roll_ups_are_aligned_to_utc_days_and_hours():
    store = CandleStore()
    store.load(minutes_of([23 * 60 + 59, 24 * 60]))
    for interval, interval_ms in INTERVALS.items():
        times = store.view(interval, 10, None)[:, 0]
        assert len(times) == 2
        assert (times % interval_ms == 0).all()


def test_the_limit_counts_the_forming_candle():
    store = CandleStore()
    store.load(minutes_of(range(100)))
    forming = minutes_of([100])[0].tolist()
    for limit in (0, 1, 2, 50):
        view = store.view("1m", limit, forming)
        assert len(view) == limit
        assert not limit or view[-1, 0] == forming[0]
    assert len(store.view("5m", 3, forming)) == 3
    assert len(store.view("5m", -5, forming)) == 0


def test_a_series_keeps_the_newest_and_counts_what_it_gave_up():
    series = CandleSeries(100)
    rows = minutes_of(range(1000))
    for row in rows:
        series.append(row)
    np.testing.assert_array_equal(series.view(), rows[-100:])
    np.testing.assert_array_equal(series.view(7), rows[-7:])
    assert len(series) == 100
    assert series.dropped == 900


def test_a_series_bounds_its_memory_and_starts_small():
    series = CandleSeries(MINUTES_KEPT)
    assert series.view().base.nbytes < 10_000
    for minute in range(3 * MINUTES_KEPT):
        series.append((minute, 1, 1, 1, 1, 1, 1))
    assert series.view().base.nbytes < 1.3 * MINUTES_KEPT * 7 * 8


def test_a_view_copies_nothing_stays_what_it_was_and_has_contiguous_columns():
    series = CandleSeries(100)
    rows = minutes_of(range(400))
    for row in rows[:90]:
        series.append(row)
    view = series.view()
    assert np.shares_memory(view, series.view())
    assert view[:, 4].flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        view[0, 0] = 1
    for row in rows[90:]:
        series.append(row)
    np.testing.assert_array_equal(view, rows[:90])


def test_of_candles_of_one_minute_the_later_given_stays():
    older, newer = minutes_of([1, 2, 3], seed=1), minutes_of([3, 2, 4], seed=2)
    merged = merge(older, newer)
    np.testing.assert_array_equal(merged, [older[0], newer[1], newer[0], newer[2]])
    many, again = minutes_of(range(500), seed=3), minutes_of(range(500), seed=4)
    np.testing.assert_array_equal(merge(many, again), again)


def test_rolled_candles_outlive_their_minutes():
    """Minutes are kept for a week; what they were rolled up to stays right after a backfill."""
    rows = minutes_of(range(MINUTES_KEPT + 2 * 1440 + 7))
    store = CandleStore()
    for row in rows:
        store.append(row.tolist())
    store.load(rows[-10:])
    np.testing.assert_allclose(
        store.view("1d", 100, None), directly_rolled(rows, INTERVALS["1d"]), rtol=1e-12
    )
    np.testing.assert_allclose(
        store.view("4h", 100, None), directly_rolled(rows, INTERVALS["4h"]), rtol=1e-12
    )


def test_history_older_than_the_week_kept_is_not_taken():
    rows = minutes_of(range(MINUTES_KEPT + 5))
    store = CandleStore()
    store.load(rows)
    store.load(minutes_of([0, 1], seed=9))
    np.testing.assert_array_equal(store.minutes.view(), rows[5:])


def test_rolled_series_are_bounded():
    rolled = RolledSeries(5 * MINUTE)
    for minute in range(0, 5 * (ROLLED_KEPT + 100), 5):
        rolled.add((minute * MINUTE, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0))
    assert len(rolled.view(10**6, None)) == ROLLED_KEPT + 1  # and the forming one
