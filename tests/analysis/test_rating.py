"""Each rule by hand, on the numbers where it turns."""

import math

import pytest

from backend.analysis import rating
from backend.analysis.indicators import Readings

NAN = math.nan
BLANK = Readings(*[NAN] * len(Readings._fields))


def readings(**values):
    return BLANK._replace(**values)


@pytest.mark.parametrize(
    ("average", "price", "vote"),
    [(99, 100, 1), (101, 100, -1), (100, 100, 0), (100 * (1 + 1e-12), 100, 0), (NAN, 100, None)],
)
def test_a_moving_average_votes_by_the_side_of_the_price(average, price, vote):
    assert rating.moving_average(average, price) == vote


# Conversion 100, base 110: lead 1 is 105. With span B at 104 the cloud is green.
GREEN = {"conversion_line": 100, "base_line": 110, "span_b": 104}
# Mirrored about 100: conversion 100, base 90, lead 1 95, span B 96.
RED = {"conversion_line": 100, "base_line": 90, "span_b": 96}


@pytest.mark.parametrize(
    ("lines", "price", "price_before", "vote"),
    [
        (GREEN, 106, 99, 1),
        (GREEN, 106, 101, 0),  # was above the conversion line already
        (GREEN, 104, 99, 0),  # inside the cloud
        (GREEN, 111, 99, 0),  # beyond the base line
        (GREEN | {"span_b": 106}, 106, 99, 0),  # red cloud
        (RED, 94, 101, -1),
        (RED, 94, 99, 0),
        (RED, 96, 101, 0),
        (RED, 89, 101, 0),
        (RED | {"span_b": 94}, 94, 101, 0),
        (GREEN | {"span_b": NAN}, 106, 99, None),
    ],
)
def test_ichimoku(lines, price, price_before, vote):
    now = readings(close=price, **lines)
    before = readings(close=price_before, conversion_line=100)
    assert rating.ichimoku(now, before) == vote


@pytest.mark.parametrize(
    ("now", "before", "vote"),
    [
        (29, 28, 1),
        (29, 29, 0),
        (28, 29, 0),
        (30, 29, 0),
        (71, 72, -1),
        (72, 71, 0),
        (70, 72, 0),
        (50, 20, 0),
        (29, NAN, None),
        (NAN, 29, None),
    ],
)
def test_rsi_votes_when_it_turns_beyond_its_bounds(now, before, vote):
    assert rating.reversal(now, before, 30, 70) == vote


@pytest.mark.parametrize(
    ("k", "d", "k_before", "d_before", "vote"),
    [
        (15, 14, 10, 13, 1),
        (15, 14, 14, 13, 0),  # no cross
        (15, 14, 13, 13, 0),  # from equal: no cross
        (20, 14, 10, 13, 0),
        (19.9, 14, 10, 13, 1),
        (25, 20, 10, 13, 0),
        (80, 86, 90, 87, 0),
        (80.1, 86, 90, 87, -1),
        (19, 20, 25, 22, 0),
        (85, 86, 90, 87, -1),
        (85, 86, 86, 87, 0),
        (79, 86, 90, 87, 0),
        (15, 14, NAN, 13, None),
    ],
)
def test_stochastic_votes_on_a_cross_beyond_its_bounds(k, d, k_before, d_before, vote):
    assert rating.stochastic(k, d, k_before, d_before) == vote


@pytest.mark.parametrize(
    ("price", "k", "d", "k_before", "d_before", "vote"),
    [
        (99, 15, 14, 10, 13, 1),
        (101, 15, 14, 10, 13, 0),  # buys in a downtrend only
        (101, 85, 86, 90, 87, -1),
        (99, 85, 86, 90, 87, 0),
        (100, 15, 14, 10, 13, 0),
        (99, NAN, 14, 10, 13, None),
    ],
)
def test_stochastic_rsi_votes_against_the_trend(price, k, d, k_before, d_before, vote):
    now = readings(close=price, ema_50=100, stoch_rsi_k=k, stoch_rsi_d=d)
    before = readings(stoch_rsi_k=k_before, stoch_rsi_d=d_before)
    assert rating.stochastic_rsi(now, before) == vote


@pytest.mark.parametrize(
    ("adx", "plus", "minus", "plus_before", "minus_before", "vote"),
    [
        (25, 22, 20, 18, 19, 1),
        (20, 22, 20, 18, 19, 0),  # no trend
        (25, 22, 20, 20, 19, 0),  # no cross
        (25, 22, 20, 19, 19, 0),  # from equal: no cross
        (25, 18, 20, 22, 19, -1),
        (15, 18, 20, 22, 19, 0),
        (NAN, 18, 20, 22, 19, None),
    ],
)
def test_directional_movement(adx, plus, minus, plus_before, minus_before, vote):
    now = readings(adx=adx, plus_di=plus, minus_di=minus)
    before = readings(plus_di=plus_before, minus_di=minus_before)
    assert rating.directional_movement(now, before) == vote


@pytest.mark.parametrize(
    ("ao", "before", "earlier", "vote"),
    [
        (1, -1, -2, 1),
        (1, 0, -1, 1),
        (3, 2, 2.5, 1),  # saucer
        (3, 2, 1, 0),
        (1.5, 2, 2.5, 0),
        (-1, 1, 2, -1),
        (-1, 0, 1, -1),
        (-3, -2, -2.5, -1),
        (-3, -2, -1, 0),
        (0, 1, 2, 0),
        (3, 2, NAN, 0),
        (3, NAN, NAN, None),
    ],
)
def test_awesome_oscillator(ao, before, earlier, vote):
    assert rating.awesome_oscillator(ao, before, earlier, 100) == vote


@pytest.mark.parametrize(
    ("now", "before", "vote"), [(2, 1, 1), (1, 2, -1), (1, 1 + 1e-9, 0), (1, NAN, None)]
)
def test_momentum_votes_by_its_change(now, before, vote):
    assert rating.momentum(now, before, 100) == vote


@pytest.mark.parametrize(("line", "vote"), [(1, 1), (-1, -1), (1e-9, 0), (NAN, None)])
def test_macd_votes_by_the_side_of_its_signal_line(line, vote):
    assert rating.macd(line, 0, 100) == vote


@pytest.mark.parametrize(
    ("price", "bull", "bear", "bull_before", "bear_before", "vote"),
    [
        (101, 2, -1, 2, -2, 1),
        (101, 2, -2, 2, -1, 0),  # falling
        (101, 2, 1, 2, -1, 0),  # not negative
        (99, 2, -1, 2, -2, 0),  # below the trend
        (99, 1, -2, 2, -2, -1),
        (99, 2, -2, 1, -2, 0),
        (99, -1, -2, 2, -2, 0),
        (101, 1, -2, 2, -2, 0),
        (101, 2, -1, 2, NAN, None),
    ],
)
def test_bull_bear_power(price, bull, bear, bull_before, bear_before, vote):
    now = readings(close=price, ema_50=100, bull_power=bull, bear_power=bear)
    before = readings(bull_power=bull_before, bear_power=bear_before)
    assert rating.bull_bear_power(now, before) == vote


@pytest.mark.parametrize(
    ("value", "high", "vote"),
    [(71, 101, 1), (70, 101, 0), (30, 101, 0), (29, 101, -1), (0, 100, None), (NAN, 101, None)],
)
def test_ultimate_oscillator_is_left_out_when_nothing_moved(value, high, vote):
    now = readings(close=100, ultimate=value, high_8=high, low_8=100)
    assert rating.ultimate_oscillator(now) == vote


MOVED = {"close": 100, "high_20": 105, "low_20": 95}


def test_the_score_is_the_mean_of_both_groups_means():
    now = readings(**MOVED, sma_10=99, sma_20=99, ema_10=99, ema_20=101, macd=-1, macd_signal=0)
    # Averages: (1 + 1 + 1 - 1) / 4; oscillators: -1.
    assert rating.score(now, BLANK, BLANK) == pytest.approx((0.5 - 1) / 2)


def test_a_group_without_data_is_left_out():
    assert rating.score(readings(**MOVED, sma_10=99), BLANK, BLANK) == 1
    assert rating.score(readings(**MOVED), BLANK, BLANK) == 0


@pytest.mark.parametrize(("vwma", "score"), [(99, 1), (101, -1), (94, 0), (106, 0), (NAN, 0)])
def test_an_average_by_volume_outside_of_its_prices_is_no_average(vwma, score):
    assert rating.score(readings(**MOVED, vwma_20=vwma), BLANK, BLANK) == score


def test_a_price_that_stands_still_is_not_rated():
    still = readings(close=100, high_20=100, low_20=100, sma_200=90, ultimate=0)
    assert rating.score(still, still, still) == 0
