import math

import numpy as np
import pytest

from backend.analysis import reasons
from backend.analysis.indicators import Readings
from backend.analysis.reasons import PivotLevels
from backend.clock import DAY_MS, MINUTE_MS
from backend.market.models import SignalReason

BUY, HOLD, SELL = np.array([1]), np.array([0]), np.array([-1])
NO_LEVELS = np.full((1, 7), math.nan)


def readings(**values):
    blank = dict.fromkeys(Readings._fields, math.nan)
    return Readings(**{name: np.array([value]) for name, value in (blank | values).items()})


def histogram(value, atr=2.0):
    return readings(macd=value, macd_signal=0.0, atr=atr)


@pytest.mark.parametrize(
    ("value", "direction", "evidence"),
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
def test_momentum_is_the_histogram_in_units_of_range(value, direction, evidence):
    assert reasons.momentum(histogram(value), direction) == pytest.approx(evidence)


def test_without_range_there_is_no_momentum_breakout_or_level():
    still = readings(
        macd=0.0, macd_signal=0.0, atr=0.0, close=100.0, channel_high=100.0, channel_low=100.0
    )
    assert reasons.momentum(still, BUY) == 0
    assert reasons.breakout(still, HOLD) == 0
    assert reasons.closeness(np.array([[100.0]]), still, -1, BUY) == 0


@pytest.mark.parametrize(
    ("deviations", "change", "direction", "evidence"),
    [
        (2.0, 1.0, BUY, 0.9),
        (2.0, 1.0, HOLD, 0.9),
        (2.0, 1.0, SELL, 0.0),  # the candle rose
        (2.0, -1.0, SELL, 0.9),
        (0.0, 1.0, BUY, 0.0),
        (-1.0, 1.0, BUY, 0.0),
        (1e9, 1.0, BUY, 1.0),
        (math.nan, 1.0, BUY, 0.0),  # volume that never varied, or is not known yet
    ],
)
def test_surge_is_the_volume_in_deviations_above_its_mean(deviations, change, direction, evidence):
    found = reasons.surge(np.array([deviations]), np.array([change]), direction)
    assert found == pytest.approx(evidence)


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
    now = readings(close=price, atr=2.0, channel_high=110.0, channel_low=90.0)
    assert reasons.breakout(now, direction) == pytest.approx(evidence)


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
    levels = np.array([[90.0, 98.0, 105.0, 120.0]])
    assert reasons.closeness(levels, now, side, direction) == pytest.approx(evidence)
    assert reasons.closeness(NO_LEVELS, now, side, direction) == 0


def test_a_price_at_a_level_rests_on_it():
    now = readings(close=100.0, atr=2.0)
    assert reasons.closeness(np.array([[100.0]]), now, -1, BUY) == 1
    assert reasons.closeness(np.array([[100.0]]), now, 1, SELL) == 0


@pytest.mark.parametrize(
    ("values", "direction", "reason"),
    [
        ({"macd": 9.0}, BUY, SignalReason.MOMENTUM),
        ({"surge": 20.0, "macd": 0.1}, BUY, SignalReason.VOLUME),
        ({"surge_before": 20.0, "macd": 0.1}, BUY, SignalReason.VOLUME),
        ({"channel_high": 80.0}, BUY, SignalReason.BREAKOUT),
        ({"channel_high": 80.0, "macd": 9.0}, BUY, SignalReason.BREAKOUT),  # the first of equals
        ({}, HOLD, SignalReason.SUPPORT),
        ({}, SELL, SignalReason.RESISTANCE),
    ],
)
def test_the_reason_is_the_one_with_most_evidence(values, direction, reason):
    usual = {"close": 100.0, "atr": 2.0, "macd": 0.0, "macd_signal": 0.0, "change": 1.0}
    usual |= {"change_before": 1.0, "surge": 0.0, "surge_before": 0.0}
    usual |= {"channel_high": 120.0, "channel_low": 80.0}
    assert reasons.strongest(readings(**usual | values), NO_LEVELS, direction) == [reason]


@pytest.mark.parametrize(
    ("level", "direction", "reason"),
    [(99.9, BUY, SignalReason.SUPPORT), (100.1, SELL, SignalReason.RESISTANCE)],
)
def test_a_level_close_by_is_the_reason(level, direction, reason):
    now = readings(close=100.0, atr=2.0, channel_high=120.0, channel_low=80.0)
    levels = np.array([[level] + [math.nan] * 6])
    assert reasons.strongest(now, levels, direction) == [reason]


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
    assert np.isnan(pivots.levels).all()


def test_pivots_told_candle_by_candle_equal_those_rebuilt(candles, each):
    rows = candles(count=3 * 1440 + 77)
    followed = PivotLevels()
    for number, one in enumerate(each(rows)):
        followed.update(one)
        if number % 480 == 0:
            rebuilt = PivotLevels()
            rebuilt.rebuild(rows[: number + 1])
            np.testing.assert_equal(rebuilt.levels, followed.levels)
    assert not np.isnan(followed.levels).any()
