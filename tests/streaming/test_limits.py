"""A client over its rate is slowed down to it."""

import pytest

from backend.streaming.limits import TokenBucket


class ManualClock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds

    def now_ms(self) -> int:
        return int(self.seconds * 1000)


def test_a_burst_passes_and_the_rest_is_held_to_the_rate() -> None:
    clock = ManualClock()
    bucket = TokenBucket(clock, rate=10, burst=5)
    assert [bucket.take() for _ in range(5)] == [0] * 5
    sent = 0
    while clock.seconds < 10:
        clock.seconds += bucket.take()
        sent += 1
    assert sent == pytest.approx(100, abs=2)


def test_a_quiet_time_earns_no_more_than_the_burst() -> None:
    clock = ManualClock()
    bucket = TokenBucket(clock, rate=10, burst=5)
    clock.seconds = 1_000
    waits = [bucket.take() for _ in range(7)]
    assert waits[:5] == [0] * 5
    assert waits[5:] == [pytest.approx(0.1), pytest.approx(0.2)]
