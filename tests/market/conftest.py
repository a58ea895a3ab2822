"""A market by a clock that stands still until it is told to move."""

import pytest

from backend.market.market import Market
from tests.clocks import ManualClock


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def market(clock):
    return Market(["BTC", "ETH"], clock, "test")
