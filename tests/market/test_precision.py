"""Decimals of prices by their magnitude."""

import pytest

from backend.market.precision import price_decimals


@pytest.mark.parametrize(
    ("price", "decimals"),
    [(64_000.0, 2), (2_600.0, 2), (100.0, 2), (14.5, 4), (1.0, 4), (0.456789, 6), (0.1, 6)]
    + [(0.0567891, 7), (0.0000178, 10)],
)
def test_decimals_follow_the_magnitude(price, decimals):
    assert price_decimals(price) == decimals
