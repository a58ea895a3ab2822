"""A clock that stands still until it is told to move, and a market by it."""

import pytest

from backend.market.market import Market


class ManualClock:
    """Wall time and monotonic time, moved by hand, together."""

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._now_ms = float(now_ms)
        self._monotonic = 1000.0

    def now_ms(self) -> int:
        return round(self._now_ms)

    def monotonic(self) -> float:
        return self._monotonic

    def advance(self, seconds: float) -> None:
        self._now_ms += 1000 * seconds
        self._monotonic += seconds


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def market(clock):
    return Market(["BTC", "ETH"], clock, "test")
