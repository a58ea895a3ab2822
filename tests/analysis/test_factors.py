"""The series of the index by hand, on arrays that fit in the head."""

import math

import numpy as np
import pytest

from backend.analysis import factors as f

NAN = math.nan
LEAD = f.LEAD_MINUTES


def test_gaps_carry_the_last_price_and_nothing_comes_before_the_first():
    prices = np.array([[NAN, 1, NAN, NAN, 2], [5, 6, 7, 8, 9]])
    filled = f.forward_filled(prices)
    np.testing.assert_array_equal(filled, [[NAN, 1, 1, 1, 2], [5, 6, 7, 8, 9]])


def test_volatility_is_the_root_mean_square_of_an_hours_returns():
    returns = np.zeros(100)
    returns[:40] = 0.01
    found = f.volatility(returns)
    assert len(found) == 100 - LEAD
    assert found[0] == pytest.approx(0.01)  # the first 31 minutes
    assert found[59 - LEAD] == pytest.approx(0.01 * math.sqrt(40 / 60))
    assert found[89 - LEAD] == pytest.approx(0.01 * math.sqrt(10 / 60))
    assert found[-1] == pytest.approx(0, abs=1e-12)


def test_drawdown_is_measured_from_the_highest_of_a_day():
    level = np.zeros(f.DRAWDOWN_MINUTES + 50)
    level[10] = 0.3
    level[-20:] = -0.1
    found = f.drawdown(level)
    assert found[0] == pytest.approx(0.3)
    # The peak is out of sight a day after it.
    assert found[f.DRAWDOWN_MINUTES + 9 - LEAD] == pytest.approx(0.3)
    assert found[f.DRAWDOWN_MINUTES + 10 - LEAD] == pytest.approx(0)
    assert found[-1] == pytest.approx(0.1)


def test_momentum_is_the_level_against_its_mean_of_four_hours():
    level = np.concatenate((np.zeros(300), np.full(60, 0.4)))
    found = f.momentum(level)
    assert found[299 - LEAD] == pytest.approx(0)
    assert found[300 - LEAD] == pytest.approx(0.4 * 239 / 240)
    assert found[-1] == pytest.approx(0.4 * 180 / 240)


def test_up_volume_is_the_share_of_what_rose():
    returns = np.tile(np.array([[0.01], [-0.01], [0.0], [NAN]]), (1, 80))
    volumes = np.tile(np.array([[6.0], [2.0], [1.0], [1.0]]), (1, 80))
    np.testing.assert_allclose(f.up_volume_share(returns, volumes), (6 + 1) / 10)
    np.testing.assert_allclose(f.up_volume_share(returns, 0 * volumes), 0.5)


def test_volume_that_has_gone_leaves_no_share_behind():
    returns = np.full((1, 200), 0.01)
    volumes = np.where(np.arange(200) < 80, 1e9 / 3, 0.0)[None, :]
    found = f.up_volume_share(returns, volumes)
    assert found[0] == pytest.approx(1)
    np.testing.assert_array_equal(found[150 - LEAD :], 0.5)


def test_breadth_is_the_share_that_rose_within_an_hour():
    now = np.array([[1.0], [-1.0], [0.0], [2.0], [NAN]])
    prices = np.concatenate([np.zeros((5, 60)), now], axis=1)
    prices[4] = NAN
    np.testing.assert_allclose(f.breadth(prices), [(1 + 0 + 0.5 + 1) / 4])


def test_dominance_is_the_reference_assets_share_of_volume():
    volumes = np.tile(np.array([[3.0], [1.0]]), (1, 100))
    volumes[:, 60:] = [[1.0], [3.0]]
    found = f.volume_share(volumes, 0)
    assert found[59 - LEAD] == pytest.approx(0.75)
    assert found[89 - LEAD] == pytest.approx(0.5)


def test_there_is_no_dominance_over_nobody():
    prices, volumes = np.zeros((2, 100)), np.ones((2, 100))
    assert "dominance" in f.factors(prices, volumes, 0)
    assert "dominance" not in f.factors(prices, volumes, None)
    volumes[1] = 0
    assert "dominance" not in f.factors(prices, volumes, 0)


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
    assert f.percentile(np.array(series, dtype=float)) == pytest.approx(rank)
