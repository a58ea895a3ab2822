import math

import numpy as np
import pytest

from backend.analysis import reasons
from backend.analysis.indicators import Readings
from backend.analysis.reasons import Evidence, PivotLevels
from backend.clock import DAY_MS, MINUTE_MS
from backend.market.models import Candle, SignalReason

BLANK = Readings(*[math.nan] * len(Readings._fields))
BUY, HOLD, SELL = 1, 0, -1


def readings(**values):
    return BLANK._replace(**values)


def candle(volume, open=100.0, close=101.0):
    return Candle(0, open, max(open, close), min(open, close), close, volume, volume * close)


@pytest.mark.parametrize(
    ("histogram", "direction", "evidence"),
    [
        (0.5, BUY, 0.5),  # a quarter of ATR, the median
        (-0.5, SELL, 0.5),
        (-0.5, HOLD, 0.5),
        (1.2, BUY, 0.9),  # 0.6 of ATR
        (0.85, BUY, 0.7),  # half way between
        (9.0, BUY, 1.0),
        (-0.5, BUY, 0.0),
        (0.5, SELL, 0.0),
        (math.nan, BUY, 0.0),
    ],
)
def test_momentum_is_the_histogram_in_units_of_range(histogram, direction, evidence):
    now = readings(macd_histogram=histogram, atr=2.0)
    assert reasons.momentum(now, direction) == pytest.approx(evidence)


def test_without_range_there_is_no_momentum_breakout_or_level():
    now = readings(macd_histogram=0.0, atr=0.0, close=100.0)
    assert reasons.momentum(now, BUY) == 0
    assert reasons.breakout(now, readings(high_20=100.0, low_20=100.0), HOLD) == 0
    assert reasons.closeness([100.0], now, -1, BUY) == 0


@pytest.mark.parametrize(
    ("volume", "direction", "evidence"),
    [
        (14.0, BUY, 0.9),  # two deviations above the mean
        (14.0, HOLD, 0.9),
        (14.0, SELL, 0.0),  # the candle rose
        (10.0, BUY, 0.0),
        (5.0, BUY, 0.0),
        (1e9, BUY, 1.0),
    ],
)
def test_surge_is_the_volume_in_deviations_above_its_mean(volume, direction, evidence):
    usual = readings(volume_mean=10.0, volume_deviation=2.0)
    assert reasons.surge(candle(volume), usual, direction) == pytest.approx(evidence)


def test_volume_that_never_varied_or_is_not_known_yet_does_not_surge():
    for deviation in (0.0, math.nan):
        usual = readings(volume_mean=10.0, volume_deviation=deviation)
        assert reasons.surge(candle(50.0), usual, BUY) == 0


@pytest.mark.parametrize(
    ("price", "direction", "evidence"),
    [
        (108.0, BUY, 0.0),  # one range inside the edge
        (109.2, BUY, 0.75),
        (110.4, BUY, 0.9),
        (130.0, BUY, 1.0),
        (110.4, HOLD, 0.9),
        (110.4, SELL, 0.0),
        (89.6, SELL, 0.9),
        (89.6, BUY, 0.0),
        (100.0, HOLD, 0.0),
    ],
)
def test_breakout_counts_from_one_range_inside_the_channel(price, direction, evidence):
    before = readings(high_20=110.0, low_20=90.0)
    found = reasons.breakout(readings(close=price, atr=2.0), before, direction)
    assert found == pytest.approx(evidence)


@pytest.mark.parametrize(
    ("side", "direction", "evidence"),
    [
        (-1, BUY, 0.9),  # support at 98: one range away
        (-1, HOLD, 0.9),
        (-1, SELL, 0.0),
        (1, SELL, 0.75),  # resistance at 105: two and a half away
        (1, HOLD, 0.75),
        (1, BUY, 0.0),
    ],
)
def test_closeness_to_the_next_level_on_either_side(side, direction, evidence):
    now = readings(close=100.0, atr=2.0)
    levels = [90.0, 98.0, 105.0, 120.0]
    assert reasons.closeness(levels, now, side, direction) == pytest.approx(evidence)


def test_a_price_at_a_level_rests_on_it():
    now = readings(close=100.0, atr=2.0)
    assert reasons.closeness([100.0], now, -1, BUY) == 1
    assert reasons.closeness([100.0], now, 1, SELL) == 0


def test_the_reason_is_the_one_with_most_evidence():
    assert reasons.strongest(Evidence(0.1, 0.2, 0.9, 0.3, 0.4), BUY) is SignalReason.MOMENTUM
    assert reasons.strongest(Evidence(0.5, 0.5, 0.5, 0.5, 0.5), BUY) is SignalReason.BREAKOUT
    nothing = Evidence(0, 0, 0, 0, 0)
    assert reasons.strongest(nothing, HOLD) is SignalReason.SUPPORT
    assert reasons.strongest(nothing, SELL) is SignalReason.RESISTANCE


DAY = 19_000 * DAY_MS


def day(start, high, low, close, minutes=3):
    rows = np.full((minutes, 7), close)
    rows[:, 0] = start + MINUTE_MS * np.arange(minutes)
    rows[:, 2], rows[:, 3] = close, close
    rows[1, 2], rows[1, 3] = high, low
    rows[-1, 4] = close
    return rows


def test_pivots_are_those_of_the_day_before():
    pivots = PivotLevels()
    pivots.rebuild(np.concatenate([day(DAY, 120, 90, 105), day(DAY + DAY_MS, 200, 50, 100)]))
    # P = 105, R1 = 120, S1 = 90, R2 = 135, S2 = 75, R3 = 150, S3 = 60
    assert pivots.levels == pytest.approx((60, 75, 90, 105, 120, 135, 150))


def test_there_are_no_pivots_of_a_day_known_in_part():
    pivots = PivotLevels()
    pivots.rebuild(
        np.concatenate([day(DAY + MINUTE_MS, 120, 90, 105), day(DAY + DAY_MS, 200, 50, 100)])
    )
    assert pivots.levels == ()


def test_pivots_told_candle_by_candle_equal_those_rebuilt(candles, each):
    rows = candles(count=3 * 1440 + 77)
    followed = PivotLevels()
    for number, one in enumerate(each(rows)):
        followed.update(one)
        if number % 480 == 0:
            rebuilt = PivotLevels()
            rebuilt.rebuild(rows[: number + 1])
            assert rebuilt.levels == followed.levels
    assert len(followed.levels) == 7
