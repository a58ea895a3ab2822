"""The series of the index by hand, on arrays that fit in the head."""

import math

import numpy as np
import pytest

from backend.analysis import factors as f

NAN = math.nan
DAY, WEEK = f.DAY_STEPS, f.WEEK_STEPS


def factors(prices, volumes, at_once=100):
    """Of all symbols, so many of which are counted in at a time."""
    sums = f.Sums()
    for begin in range(0, len(prices), at_once):
        sums.add(prices[begin : begin + at_once], volumes[begin : begin + at_once])
    return sums.factors()


def breadth(prices):
    mean = f.Mean()
    mean.add(f.standing(prices))
    return 0.5 + 0.5 * mean.value()


def test_volatility_is_the_root_mean_square_of_a_days_returns():
    returns = np.zeros(2 * DAY)
    returns[: DAY // 2] = 0.01
    found = f.volatility(returns)
    assert found[0] == pytest.approx(0.01)
    assert found[DAY - 1] == pytest.approx(0.01 * math.sqrt(1 / 2))
    assert found[DAY + DAY // 4 - 1] == pytest.approx(0.01 * math.sqrt(1 / 4))
    assert found[-1] == pytest.approx(0, abs=1e-12)


def test_drawdown_is_measured_from_the_highest_of_a_week():
    level = np.zeros(WEEK + 50)
    level[10] = 0.3
    level[-20:] = -0.1
    found = f.drawdown(level)
    assert found[9] == 0
    assert found[11] == pytest.approx(0.3)
    # The peak is out of sight a week after it.
    assert found[WEEK + 9] == pytest.approx(0.3)
    assert found[WEEK + 10] == pytest.approx(0)
    assert found[-1] == pytest.approx(0.1)


def test_momentum_is_the_level_against_its_mean_of_a_day():
    level = np.concatenate((np.zeros(DAY), np.full(DAY // 2, 0.4)))
    found = f.momentum(level)
    assert found[DAY - 1] == pytest.approx(0)
    assert found[DAY] == pytest.approx(0.4 * (DAY - 1) / DAY)
    assert found[-1] == pytest.approx(0.4 / 2)


def test_up_volume_is_the_share_of_what_rose():
    returns = np.tile(np.array([[0.01], [-0.01], [0.0], [NAN]]), (1, 80))
    volumes = np.tile(np.array([[6.0], [2.0], [1.0], [1.0]]), (1, 80))
    np.testing.assert_allclose(f.up_volume_share(*f.rising_volume(returns, volumes)), (6 + 1) / 10)
    np.testing.assert_allclose(f.up_volume_share(*f.rising_volume(returns, 0 * volumes)), 0.5)


def test_volume_that_has_gone_leaves_no_share_behind():
    count = 2 * DAY
    returns = np.full((1, count), 0.01)
    volumes = np.where(np.arange(count) < 80, 1e9 / 3, 0.0)[None, :]
    found = f.up_volume_share(*f.rising_volume(returns, volumes))
    assert found[0] == pytest.approx(1)
    np.testing.assert_array_equal(found[DAY + 80 :], 0.5)


def test_breadth_is_the_share_that_rose_within_a_day():
    now = np.array([[1.0], [-1.0], [0.0], [2.0], [NAN]])
    prices = np.concatenate([np.full((5, 1), 5.0), np.zeros((5, DAY)), now], axis=1)
    prices[4] = NAN
    # At the beginning against the first price; then that is over a day ago.
    np.testing.assert_allclose(breadth(prices)[0], 0)
    np.testing.assert_allclose(breadth(prices)[-1], (1 + 0 + 0.5 + 1) / 4)


def test_more_of_each_factor_is_greed():
    """A market that rose calmly, and one that fell wildly."""
    steps = np.arange(DAY)
    calm = np.tile(1e-4 * steps, (2, 1))
    wild = np.tile(-1e-3 * steps + 0.01 * (-1.0) ** steps, (2, 1))
    volumes = np.ones((2, DAY - 1))
    good, bad = factors(calm, volumes), factors(wild, volumes)
    assert list(good) == ["volatility", "drawdown", "momentum", "volume", "breadth"]
    for name, series in good.items():
        assert series[-1] > bad[name][-1], name


@pytest.mark.parametrize(
    ("series", "rank"),
    [
        ([1, 2, 3, 4], 87.5),
        ([4, 3, 2, 1], 12.5),
        ([1, 3, 2], 50),
        ([5, 5, 5], 50),
        ([5, 5, 5 + 1e-12], 50),
        ([0, 0, 0], 50),
        ([1, 1, 2, 1], 37.5),
    ],
)
def test_a_percentile_is_the_newest_values_rank(series, rank):
    assert f.percentiles(np.array(series, dtype=float), 1) == pytest.approx([rank])


def test_each_percentile_is_ranked_among_a_week_up_to_it():
    series = np.concatenate((np.full(500, 1e6), np.arange(WEEK + 1.0)))
    found = f.percentiles(series, 2)
    assert found == pytest.approx([100 - 50 / WEEK] * 2)
    assert f.percentiles(series[:-1], 1) == pytest.approx(found[:1])


def test_it_does_not_matter_how_many_symbols_are_counted_in_at_a_time():
    random = np.random.default_rng(3)
    prices = np.cumsum(random.normal(0, 1e-3, (7, 2 * DAY)), axis=1)
    prices[2, :100] = NAN
    prices[6] = NAN
    volumes = random.uniform(0, 9, (7, 2 * DAY - 1))
    together, apart = factors(prices, volumes), factors(prices, volumes, at_once=3)
    for name, series in together.items():
        np.testing.assert_allclose(apart[name], series, atol=1e-12)
