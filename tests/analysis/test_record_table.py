"""The record's numbers against plain loops, and its intervals against what is true."""

import numpy as np
import pytest

from backend.analysis import block_bootstrap
from backend.analysis.block_bootstrap import RESAMPLES, interval, resampled
from backend.analysis.level_changes import change_row, changes_of
from backend.analysis.levels import LADDER
from backend.analysis.outcomes import SymbolOutcomes
from backend.analysis.record_table import record_table
from backend.analysis.track_record import MOMENT, NOTE, SymbolRecord
from backend.clock import DAY_MS, HOUR_MS, MINUTE_MS
from backend.market.models import CLOSE
from tests.analysis.conftest import FIRST_MINUTE, make_candles
from tests.analysis.record_by_the_book import closes_of, record

HOUR_CODE = 60


def said_at_random(candles, seed, count=200, places=LADDER):
    """Levels that have nothing to do with what comes, each another than the one before."""
    rng = np.random.default_rng(seed)
    minutes = np.sort(rng.choice(len(candles) - 1, count, replace=False))
    levels, last = [], -1
    for _ in minutes:
        last = int((last + 1 + rng.integers(len(places) - 1)) % len(places))
        levels.append(places[last])
    return changes_of(
        [
            hourly(minute + 1, level, price)
            for minute, level, price in zip(
                minutes.tolist(), levels, candles[minutes, CLOSE].tolist(), strict=True
            )
        ]
    )


def hourly(minute, level, price):
    """Said of hours at the beginning of a minute."""
    return change_row(FIRST_MINUTE + minute * MINUTE_MS, HOUR_MS, level, 0.0, price)


def notes_of(candles, said):
    found = SymbolRecord()
    found.note(said)
    found.judge(candles)
    return found.notes


def judged(candles, said):
    return SymbolOutcomes.of_notes(notes_of(candles, said))


def by_the_book(said):
    return [
        (time_ms // MINUTE_MS, LADDER[level].value, price)
        for time_ms, _timeframe, level, _score, price in said.tolist()
    ]


@pytest.mark.parametrize("window", [None, 1440, 7 * 1440])
@pytest.mark.parametrize("cost", [0.0, 0.0015])
def test_counts_shares_and_means_are_those_of_plain_loops(window, cost):
    histories = [make_candles(1, 5000), make_candles(2, 9000, price=3.0)]
    # One with an outage, in which horizons end.
    histories[1] = np.delete(histories[1], slice(3000, 3100), axis=0)
    said = [said_at_random(candles, seed) for seed, candles in enumerate(histories)]
    symbols = [judged(*each) for each in zip(histories, said, strict=True)]
    expected = record(
        [
            (closes_of(candles), by_the_book(each))
            for candles, each in zip(histories, said, strict=True)
        ],
        window,
        cost,
    )
    newest = max(outcomes.newest for outcomes in symbols)
    rows = record_table(symbols, HOUR_CODE, 0 if window is None else newest - window, cost)
    assert len(rows) == 20
    for row in rows:
        count, right, base_rate, excess, left_out = expected[row.level.value, row.horizon]
        assert (row.count, row.right, row.left_out) == (count, right, left_out)
        assert row.base_rate == pytest.approx(base_rate, abs=1e-9)
        # The book has more digits than are kept of a return.
        assert row.mean_excess_bp == pytest.approx(excess, abs=0.001)
    assert window is not None or any(row.left_out for row in rows)


def test_of_another_timeframe_and_of_nothing_there_is_nothing():
    candles = make_candles(1, 5000)
    for rows in (
        record_table([judged(candles, said_at_random(candles, 1))], 5),
        record_table([], 5),
    ):
        assert all(row.count == 0 and row.mean_excess_bp is None for row in rows)
        assert all(row.base_rate is None and row.interval_bp is None for row in rows)


def test_a_market_that_only_rises_makes_nobody_right():
    candles = make_candles(1, 5000, step=0.0)
    candles[:, CLOSE] *= np.exp(1e-5 * np.arange(5000))
    rows = record_table([judged(candles, said_at_random(candles, 1))], HOUR_CODE)
    for row in rows:
        assert abs(row.mean_excess_bp) < 0.01  # of the 6 bp that an hour brings


def synthetic_notes(seed, days, edge):
    """A random walk with drift; an hour after a buy it has risen by `edge` more, in basis points,
    and likewise fallen after a sell."""
    rng = np.random.default_rng(seed)
    count = days * 1440
    moves = rng.normal(1e-6, 5e-4, count)
    said = []
    for begin in range(30, count - 61, 90):
        level = LADDER[int(rng.choice([1, 3]))]
        if said and said[-1][1] is level:
            continue
        said.append((begin, level))
        moves[begin + 1 : begin + 61] += edge / 1e4 / 60 * (1 if level is LADDER[3] else -1)
    candles = make_candles(1, count)
    candles[:, CLOSE] = 100 * np.exp(np.cumsum(moves))
    changes = [hourly(at + 1, level, candles[at, CLOSE]) for at, level in said]
    return notes_of(candles, changes_of(changes))


def synthetic(seed, days, edge):
    return SymbolOutcomes.of_notes(synthetic_notes(seed, days, edge))


def test_intervals_hold_what_is_true_about_as_often_as_they_say():
    """Of 90 % intervals of 60 histories between 76 and 100 % (the binomial's 1 in 10,000), for a
    drift of 14 bp a day and an edge of 8 bp an hour."""
    held = {horizon: [] for horizon in ("15m", "1h")}
    for seed in range(60):
        for row in record_table([synthetic(seed, 20, 8.0)], HOUR_CODE):
            true = {"15m": 2.0, "1h": 8.0}.get(row.horizon)
            if true is not None and row.count:
                low, high = row.interval_bp
                assert low < row.mean_excess_bp < high
                held[row.horizon].append(low <= true <= high)
    for each in held.values():
        assert len(each) == 120
        assert 0.76 <= np.mean(each) <= 1.0


def test_blocks_make_up_for_horizons_that_overlap():
    """Signals of each minute in runs say the same thing over and over: taken for independent, their
    mean would seem far surer than it is."""
    candles = make_candles(3, 6 * 1440)
    minutes = np.flatnonzero((np.arange(len(candles) - 300) // 200) % 3 == 0)
    notes = np.zeros(len(minutes), NOTE)
    notes["minute"] = FIRST_MINUTE // MINUTE_MS + minutes + 1
    notes["timeframe"], notes["level"] = 1, LADDER.index("BUY")
    notes["price"], notes["returns"] = candles[minutes, CLOSE], np.nan
    found = SymbolRecord(notes)
    found.judge(candles)
    row = next(
        each
        for each in record_table([SymbolOutcomes.of_notes(found.notes)], 1)
        if each.level == "BUY" and each.horizon == "4h"
    )
    returns = found.notes["returns"][found.notes["timeframe"] == 1, 2]
    naive = 2 * 1.645 * 1e4 * returns[np.isfinite(returns)].std() / np.sqrt(row.count)
    low, high = row.interval_bp
    assert high - low > 7 * naive  # 6.1 in blocks of an hour


def test_what_is_said_at_every_moment_has_surely_no_excess():
    """It is the drift that it is measured against, in every resample too."""
    candles = make_candles(5, 10 * 1440)
    moments = [
        # Two levels in turn, or it would be said once.
        hourly(minute, LADDER[3 + minute // 15 % 2], candles[minute - 1, CLOSE])
        for minute in range(15, len(candles), 15)
    ]
    notes = notes_of(candles, changes_of(moments))
    notes["level"][notes["level"] == 4] = 3
    for row in record_table([SymbolOutcomes.of_notes(notes)], HOUR_CODE):
        if row.count and row.interval_bp is not None:
            np.testing.assert_allclose(row.interval_bp, [0, 0], atol=0.2)
    returns = notes["returns"][notes["timeframe"] == MOMENT, 1]
    usual = 1e4 * np.nanstd(returns) / np.sqrt(240)
    assert usual > 2  # so wide it would be without


def test_of_signals_in_a_few_blocks_only_the_mean_is_told():
    candles = make_candles(4, 10 * 1440)
    few = said_at_random(candles[:2000], 1, count=60)
    rows = record_table([judged(candles, few)], HOUR_CODE)
    assert all(row.interval_bp is None for row in rows if row.horizon == "24h")
    assert all(row.count > 0 for row in rows)


def test_the_same_notes_get_the_same_interval_each_time():
    outcomes = synthetic(1, 10, 0.0)
    first = record_table([outcomes], HOUR_CODE)
    block_bootstrap._begins.cache_clear()
    assert record_table([outcomes], HOUR_CODE) == first


def test_years_without_data_take_no_place_in_blocks():
    """Recordings of different times are judged together: each block has as much in it."""
    later = synthetic_notes(2, 10, 0.0)
    later["minute"] += 1000 * DAY_MS // MINUTE_MS
    both = [synthetic(1, 10, 0.0), SymbolOutcomes.of_notes(later)]
    for row in record_table(both, HOUR_CODE):
        assert row.interval_bp is not None or row.count == 0 or row.horizon == "24h"


def test_resamples_keep_sums_on_average():
    values = np.random.default_rng(1).normal(5, 1, (2, 80))
    sums = resampled(values)
    assert sums.shape == (2, RESAMPLES)
    np.testing.assert_allclose(sums.mean(axis=1), values.sum(axis=1), rtol=0.01)
    edges = interval(np.array([*range(101), np.nan, np.inf]), 0.9)
    np.testing.assert_allclose(edges, [5, 95])
