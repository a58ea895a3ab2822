"""What was said is noted once, and judged by the minutes that came; nothing looks ahead."""

import numpy as np
import pytest

from backend.analysis.board import RatingBoard
from backend.analysis.level_changes import NO_CHANGES, change_row, changes_of
from backend.analysis.track_record import (
    HORIZONS,
    MOMENT,
    SymbolRecord,
    prices_at,
    timeframe_code,
)
from backend.clock import DAY_MS, HOUR_MS, MINUTE_MS
from backend.market.candles import INTERVALS
from backend.market.models import CLOSE, OPEN_TIME, SignalLevel
from tests.analysis.conftest import FIRST_MINUTE, as_candles, make_candles
from tests.analysis.record_by_the_book import closes_of, moments, outcome

COUNT = 3 * 1440
SYMBOL = "BTC"


def said(candles):
    board = RatingBoard((SYMBOL,))
    board.load(SYMBOL, candles)
    return board.changes()[SYMBOL]


def recorded(candles):
    record = SymbolRecord()
    record.note(said(candles))
    record.judge(candles)
    return record.notes


def with_gaps(seed=3):
    """Three days with quiet minutes, and outages of ten minutes and of four hours."""
    candles = make_candles(seed, COUNT)
    there = np.random.default_rng(seed).random(COUNT) > 0.1
    there[700:710] = there[900:1140] = False
    return candles[there]


def test_candles_of_hours_are_judged_at_their_ends():
    """What ends within a candle is never known; an hour without one is an outage."""
    length = 4 * HOUR_MS
    candles = make_candles(5, 400)
    candles[:, OPEN_TIME] = FIRST_MINUTE + np.arange(400) * length
    candles = np.delete(candles, 200, axis=0)
    closes = {int(opened) + length: close for opened, close in candles[:, [OPEN_TIME, CLOSE]]}
    board = RatingBoard((SYMBOL,), {"4h": length, "1d": DAY_MS}, length)
    board.load(SYMBOL, candles)
    changes = board.changes()[SYMBOL]
    record = SymbolRecord(candle_ms=length)
    record.note(changes)
    record.judge(candles)
    times = record.notes["minute"].astype(np.int64) * MINUTE_MS
    moments_ms = times[record.notes["timeframe"] == MOMENT].tolist()
    assert moments_ms == sorted(closes)
    assert set(changes["timeframe"]) == {timeframe_code("4h"), timeframe_code("1d")}
    assert changes["price"].tolist() == [closes[time_ms] for time_ms in changes["time_ms"].tolist()]
    assert len(record.notes) == len(moments_ms) + len(changes)
    for time_ms, note in zip(times.tolist(), record.notes, strict=True):
        assert note["price"] == closes[time_ms]
        for place, horizon_ms in enumerate(HORIZONS.values()):
            then = closes.get(time_ms + horizon_ms)
            if then is not None:
                assert note["returns"][place] == np.float32(then / note["price"] - 1)
            elif time_ms + horizon_ms <= max(closes) - DAY_MS:
                assert np.isinf(note["returns"][place])
            else:
                assert not np.isfinite(note["returns"][place])


def change(minute, level=SignalLevel.BUY, timeframe="1h", price=100.0):
    time_ms = FIRST_MINUTE + minute * MINUTE_MS
    return change_row(time_ms, INTERVALS[timeframe], level, 0.3, price)


def same(one, other):
    return one.tobytes() == other.tobytes()


def test_every_outcome_is_what_plain_loops_make_of_it():
    candles = with_gaps()
    notes = recorded(candles)
    closes = closes_of(candles)
    words = {"open": np.isnan, "left out": np.isinf}
    of_moments = notes[notes["timeframe"] == MOMENT]
    assert [tuple(each) for each in of_moments[["minute", "price"]].tolist()] == moments(
        closes, max(closes)
    )
    seen = set()
    for note in notes:
        for place, length in enumerate(HORIZONS.values()):
            expected = outcome(
                closes, max(closes), int(note["minute"]), note["price"], length // MINUTE_MS
            )
            found = note["returns"][place]
            if isinstance(expected, str):
                assert words[expected](found)
            else:
                assert found == pytest.approx(expected, abs=1e-7)
            seen.add(expected if isinstance(expected, str) else "known")
    assert seen == {"known", "open", "left out"}


def test_live_and_from_history_the_record_is_the_same():
    candles = with_gaps()[:2200]
    board, record = RatingBoard((SYMBOL,)), SymbolRecord()
    for place, candle in enumerate(as_candles(candles)):
        board.update(SYMBOL, candle)
        if place % 7 == 0:  # by several minutes at a time, as cycles do
            record.note(board.changes().get(SYMBOL, NO_CHANGES))
        if place % 11 == 0:
            record.judge(candles[: place + 1])
    record.note(board.changes().get(SYMBOL, NO_CHANGES))
    record.judge(candles)
    assert same(record.notes, recorded(candles))
    assert len(record.notes) > 2200 / 15


@pytest.mark.parametrize("cut", [200, 1441, 2203, 3000])
def test_cut_anywhere_everything_up_to_there_is_the_same(cut):
    """What is said and judged by then depends on nothing later."""
    candles = make_candles(5, COUNT)
    whole, part = recorded(candles), recorded(candles[:cut])
    until = int(part["minute"].max())
    quarter = (int(candles[cut - 1, OPEN_TIME]) // MINUTE_MS + 1) // 15 * 15
    whole = whole[whole["minute"] <= until]
    ends = whole["minute"].astype(int)[:, np.newaxis] + [
        ms // MINUTE_MS for ms in HORIZONS.values()
    ]
    whole["returns"][ends > quarter] = np.nan
    assert same(part, whole)


def test_after_a_restart_in_the_middle_nothing_is_noted_twice_or_missing():
    candles = make_candles(6, COUNT)
    first = SymbolRecord()
    first.note(said(candles[:2000]))
    first.judge(candles[:2000])
    second = SymbolRecord(first.notes)
    second.note(said(candles))  # all of it once more, by a board that knows nothing
    second.judge(candles)
    assert same(second.notes, recorded(candles))


def test_a_level_that_is_said_again_is_no_other_signal():
    record = SymbolRecord()
    record.note(
        changes_of([change(0), change(1), change(2, SignalLevel.SELL), change(3, timeframe="4h")])
    )
    assert record.notes["minute"].tolist() == [
        FIRST_MINUTE // MINUTE_MS + each for each in (0, 2, 3)
    ]
    assert record.notes["timeframe"].tolist() == [60, 60, timeframe_code("4h")]


def test_of_a_past_that_is_gone_through_again_nothing_is_noted():
    """Whatever is found to have been said then; of a timeframe that was not rated before it is."""
    record = SymbolRecord()
    record.note(changes_of([change(0), change(60, SignalLevel.SELL)]))
    again = [change(0, SignalLevel.HOLD), change(30), change(60, SignalLevel.HOLD), change(61)]
    record.note(changes_of([*again, change(20, timeframe="4h")]))
    of_hours = record.notes[record.notes["timeframe"] == 60]
    assert (of_hours["minute"] - FIRST_MINUTE // MINUTE_MS).tolist() == [0, 60, 61]
    of_four = record.notes[record.notes["timeframe"] == 240]
    assert (of_four["minute"] - FIRST_MINUTE // MINUTE_MS).tolist() == [20]


def test_a_gap_that_is_filled_is_judged_by_what_it_was_filled_with():
    candles = make_candles(7, COUNT)
    gap = np.r_[0:1000, 1070:COUNT]
    record = SymbolRecord()
    record.note(changes_of([change(950, price=float(candles[949, CLOSE]))]))
    record.judge(candles[gap])
    assert np.isinf(record.notes["returns"][record.notes["timeframe"] == 60, 1])
    record.judge(candles, since_ms=candles[1000, OPEN_TIME])
    (said_then,) = record.notes[record.notes["timeframe"] == 60]
    assert said_then["returns"][1] == pytest.approx(
        candles[1009, CLOSE] / candles[949, CLOSE] - 1, abs=1e-7
    )
    quarters = record.notes["minute"][record.notes["timeframe"] == MOMENT]
    assert (np.diff(quarters) == 15).all()


def test_a_repair_changes_outcomes_and_moments_but_not_what_was_said():
    candles = make_candles(8, COUNT)
    record = SymbolRecord()
    record.note(said(candles))
    record.judge(candles)
    before = record.notes.copy()
    while record.take_changed() is not None:
        pass
    repaired = candles.copy()
    repaired[2000:2100, CLOSE] *= 1.01
    record.judge(repaired, since_ms=repaired[2000, OPEN_TIME])
    fresh = SymbolRecord()
    fresh.note(said(candles))
    fresh.judge(repaired)
    assert same(record.notes, fresh.notes)
    assert not same(record.notes, before)
    assert {record.take_changed(), record.take_changed()} >= {FIRST_MINUTE // DAY_MS + 1}


def test_what_is_known_stays_when_the_minutes_are_gone():
    candles = make_candles(9, COUNT)
    record = SymbolRecord()
    record.note(changes_of([change(100)]))
    record.judge(candles)
    known = record.notes["returns"].copy()
    record.judge(candles[3000:], since_ms=0)
    np.testing.assert_array_equal(
        record.notes["returns"][np.isfinite(known)], known[np.isfinite(known)]
    )


def test_days_that_changed_are_given_once_and_again_where_they_could_not_be_written():
    record = SymbolRecord()
    record.note(changes_of([change(0), change(1500, SignalLevel.SELL)]))
    first = FIRST_MINUTE // DAY_MS
    assert sorted(filter(None, (record.take_changed() for _ in range(3)))) == [first, first + 1]
    record.mark([first])
    assert record.take_changed() == first
    assert len(record.of_day(first)) == 1
    record.forget(first + 1)
    assert record.notes["level"].tolist() == [1]  # the other one, a sell


def test_a_price_is_that_of_the_last_minute_that_had_ended():
    candles = make_candles(1, 20)[[0, 1, 8]]
    times = FIRST_MINUTE + MINUTE_MS * np.array([0, 1, 2, 7, 8, 9, 14, 15])
    first, second, third = candles[:, CLOSE]
    np.testing.assert_array_equal(
        prices_at(candles, times),
        [np.nan, first, second, second, np.nan, third, third, np.nan],
    )
