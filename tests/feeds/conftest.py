"""A clock that only sleeping moves, so that hours of a feed take seconds."""

import pytest


class ManualClock:
    """Wall time and monotonic time, moved by hand; `sleep` moves both."""

    def __init__(self, now_ms: int = 1_700_000_031_500) -> None:
        self.wall_ms = float(now_ms)
        self.steady = 1000.0

    def now_ms(self) -> int:
        return round(self.wall_ms)

    def monotonic(self) -> float:
        return self.steady

    def sleep(self, seconds: float) -> None:
        self.wall_ms += 1000 * seconds
        self.steady += seconds


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture(scope="session")
def manual_clock() -> type[ManualClock]:
    return ManualClock
