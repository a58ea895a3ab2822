"""Each rule by hand, on the numbers where it turns."""

import numpy as np
import pytest

from backend.analysis import rating
from backend.analysis.indicators import Readings
from backend.analysis.rows import MIN_CANDLES
from backend.market.models import CLOSE, HIGH, LOW, VOLUME
from tests.analysis import rating_by_the_book as book
from tests.analysis.conftest import readings_through

NAN = np.nan
SEVERAL = ("sma", "ema")


def one(value):
    """The value of a single row."""
    return np.array([value], dtype=float)


def readings(**values):
    found = dict.fromkeys(Readings._fields, NAN) | {"moved": True} | values
    return Readings(
        **{
            name: np.resize(one(value), (6, 1)) if name in SEVERAL else one(value)
            for name, value in found.items()
            if name != "moved"
        },
        moved=np.array([found["moved"]]),
    )


def is_vote(found, vote):
    return found.tolist() == [vote] or (vote is None and np.isnan(found).all())


@pytest.mark.parametrize(
    ("average", "price", "vote"),
    [(99, 100, 1), (101, 100, -1), (100, 100, 0), (100 * (1 + 1e-13), 100, 0), (NAN, 100, None)],
)
def test_a_moving_average_votes_by_the_side_of_the_price(average, price, vote):
    assert is_vote(rating.moving_average(one(average), one(price)), vote)


# The cloud as drawn from 101 (B) to 102 (A), then base line, conversion line and price above it.
GREEN = {"lead_b": 101, "lead_a": 102, "base_line": 103, "conversion_line": 104, "span_b": 1}
# Mirrored about 100.
RED = {"lead_b": 99, "lead_a": 98, "base_line": 97, "conversion_line": 96, "span_b": 1}


@pytest.mark.parametrize(
    ("lines", "price", "vote"),
    [
        (GREEN, 105, 1),
        (GREEN, 104, 0),  # at the conversion line
        (GREEN, 95, 0),
        (GREEN | {"base_line": 102}, 105, 0),  # base line at the cloud
        (GREEN | {"base_line": 104}, 105, 0),  # conversion line at the base line
        (GREEN | {"lead_b": 102}, 105, 0),  # no cloud
        (GREEN | {"lead_b": NAN}, 105, 0),  # computed, but not drawn yet
        (GREEN | {"span_b": NAN}, 105, None),
        (RED, 95, -1),
        (RED, 96, 0),
        (RED, 105, 0),
        (RED | {"base_line": 98}, 95, 0),
        (RED | {"base_line": 96}, 95, 0),
        (RED | {"lead_b": 98}, 95, 0),
    ],
)
def test_ichimoku(lines, price, vote):
    assert is_vote(rating.ichimoku(readings(close=price, **lines)), vote)


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
        (NAN, 29, 0),
    ],
)
def test_rsi_votes_when_it_turns_beyond_its_bounds(now, before, vote):
    assert is_vote(rating.reversal(one(now), one(before), 30, 70), vote)


@pytest.mark.parametrize(
    ("k", "d", "d_before", "vote"),
    [
        (15, 14, 13, 1),
        (15, 14, 99, 1),  # no cross is asked for
        (14, 14, 13, 0),
        (20, 14, 13, 0),
        (19.9, 14, 13, 1),
        (25, 20, 13, 0),
        (80, 86, 87, 0),
        (80.1, 86, 87, -1),
        (85, 86, 87, -1),
        (86, 85, 87, 0),
        (19, 20, 22, 0),
        (15, 14, NAN, None),
        (NAN, NAN, 13, 0),
    ],
)
def test_stochastic_votes_by_the_side_of_its_mean_beyond_its_bounds(k, d, d_before, vote):
    assert is_vote(rating.stochastic(one(k), one(d), one(d_before)), vote)


@pytest.mark.parametrize(
    ("price", "k", "d", "vote"),
    [
        (99, 15, 14, 1),
        (101, 15, 14, 0),  # buys in a downtrend only
        (101, 85, 86, -1),
        (99, 85, 86, 0),
        (100, 15, 14, 0),
        (99, NAN, 14, 0),
    ],
)
def test_stochastic_rsi_votes_against_the_trend(price, k, d, vote):
    now = readings(close=price, ema=100, stoch_rsi_k=k, stoch_rsi_d=d)
    assert is_vote(rating.stochastic_rsi(now), vote)
    assert is_vote(rating.stochastic_rsi(now._replace(ema=np.full((6, 1), NAN))), None)


@pytest.mark.parametrize(
    ("adx", "adx_before", "plus", "minus", "vote"),
    [
        (25, 24, 22, 20, 1),
        (25, 25, 22, 20, 0),  # not rising
        (25, 26, 22, 20, 0),
        (20, 19, 22, 20, 0),  # no trend
        (25, 24, 20, 20, 0),
        (25, 24, 18, 20, -1),
        (25, 26, 18, 20, 0),
        (15, 14, 18, 20, 0),
        (25, NAN, 22, 20, 0),
        (NAN, 24, 22, 20, None),
    ],
)
def test_directional_movement(adx, adx_before, plus, minus, vote):
    now = readings(adx=adx, adx_before=adx_before, plus_di=plus, minus_di=minus)
    assert is_vote(rating.directional_movement(now), vote)


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
    now = readings(close=100, ao=ao, ao_before=before, ao_earlier=earlier)
    assert is_vote(rating.awesome_oscillator(now), vote)


@pytest.mark.parametrize(
    ("now", "before", "vote"), [(2, 1, 1), (1, 2, -1), (1, 1 + 1e-11, 0), (1, NAN, None)]
)
def test_momentum_votes_by_its_change(now, before, vote):
    assert is_vote(rating.momentum(readings(close=100, momentum=now, momentum_before=before)), vote)


@pytest.mark.parametrize(
    ("line", "signal", "vote"), [(1, 0, 1), (-1, 0, -1), (1e-11, 0, 0), (1, NAN, None)]
)
def test_macd_votes_by_the_side_of_its_signal_line(line, signal, vote):
    assert is_vote(rating.macd(readings(close=100, macd=line, macd_signal=signal)), vote)


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
        (101, 2, -1, 2, NAN, 0),
    ],
)
def test_bull_bear_power(price, bull, bear, bull_before, bear_before, vote):
    now = readings(
        close=price,
        ema=100,
        bull_power=bull,
        bear_power=bear,
        bull_power_before=bull_before,
        bear_power_before=bear_before,
    )
    assert is_vote(rating.bull_bear_power(now), vote)
    assert is_vote(rating.bull_bear_power(now._replace(ema=np.full((6, 1), NAN))), None)


@pytest.mark.parametrize(("value", "vote"), [(71, 1), (70, 0), (30, 0), (29, -1), (NAN, None)])
def test_ultimate_oscillator(value, vote):
    assert is_vote(rating.ultimate_oscillator(readings(ultimate=value)), vote)


def test_the_score_is_the_mean_of_both_groups_means():
    now = readings(close=100, ema=99, hma=101, macd=-1, macd_signal=0)
    # Averages: six of seven buy; oscillators: MACD sells, the two that ask for EMA 50 hold.
    assert rating.scores(now) == pytest.approx((5 / 7 - 1 / 3) / 2)


def test_a_group_without_data_is_left_out():
    assert rating.scores(readings(close=100, sma=99)) == 1
    assert rating.scores(readings(close=100)) == 0


def test_a_price_that_stands_still_is_not_rated():
    assert rating.scores(readings(close=100, sma=90, moved=False)) == 0


def by_both(rows):
    """Our votes at each candle, and those by the book: (26, n)."""
    now = readings_through(rows)
    ours = np.concatenate((rating.moving_average_votes(now), rating.oscillator_votes(now)))
    columns = (rows[:, column].copy() for column in (HIGH, LOW, CLOSE, VOLUME))
    return ours, book.votes(*columns), rating.scores(now)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_vote_is_that_of_the_book(candles, seed):
    ours, theirs, scores = by_both(candles(seed=seed, count=1500))
    np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_allclose(scores[MIN_CANDLES:], book.scores(theirs)[MIN_CANDLES:])
    assert min(scores[MIN_CANDLES:]) < -0.5 and max(scores[MIN_CANDLES:]) > 0.5


@pytest.mark.parametrize(
    "name",
    [
        "BTC-USDT-1m-2021-02-19-week",
        "BTC-USD-1m-2018-04-04",
        "ETH-USD-1m-2018-04-04",
        "LTC-USD-1m-2018-04-04",
        "BTC-USD-4h-2016-2021",
        "ETH-USD-4h-2016-2021",
    ],
)
def test_every_vote_on_real_candles_is_that_of_the_book(recording, name):
    ours, theirs, _ = by_both(recording(name))
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    assert same.all(axis=0).mean() >= 0.995
