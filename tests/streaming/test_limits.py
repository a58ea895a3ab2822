"""What a connection may ask for, and from when on it is refused."""

import pytest

from backend.streaming.limits import (
    CHANGES,
    CHANGES_AT_ONCE,
    EVENTS,
    EVENTS_AT_ONCE,
    FULL,
    REFUSALS_AT_ONCE,
    Allowance,
    Rate,
)


class Bucket:
    """Somebody's bucket of a rate."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._rate = Rate(per_second, burst)
        self._full_at = FULL
        self.now = 0.0

    def take(self) -> float:
        wait = self._rate.wait(self._full_at, self.now)
        if not wait:
            self._full_at = self._rate.spent(self._full_at, self.now)
        return wait


def test_a_burst_passes_and_the_rest_is_held_to_the_rate() -> None:
    bucket = Bucket(per_second=10, burst=5)
    assert [bucket.take() for _ in range(5)] == [0] * 5
    done = 0
    while bucket.now < 10:
        wait = bucket.take()
        done += not wait
        bucket.now += wait
    assert done == pytest.approx(100, abs=2)


def test_what_is_refused_is_not_counted() -> None:
    bucket = Bucket(per_second=10, burst=1)
    assert [bucket.take() for _ in range(3)] == [0, pytest.approx(0.1), pytest.approx(0.1)]


def test_a_quiet_time_earns_no_more_than_the_burst() -> None:
    bucket = Bucket(per_second=10, burst=5)
    assert bucket.take() == 0
    bucket.now = 1_000
    assert [bucket.take() for _ in range(6)] == [0] * 5 + [pytest.approx(0.1)]


def test_changes_of_subscriptions_have_a_limit_of_their_own() -> None:
    allowance = Allowance()
    refusals = [allowance.take(change=True, now=0) for _ in range(int(CHANGES_AT_ONCE) + 1)]
    assert refusals[:-1] == [None] * int(CHANGES_AT_ONCE)
    assert refusals[-1] is not None
    assert (refusals[-1].limit, refusals[-1].retry_after_ms) == (CHANGES, 100)
    assert allowance.take(change=False, now=0) is None


def test_who_goes_on_regardless_is_told_that_it_is_the_last_time() -> None:
    allowance = Allowance()
    for _ in range(int(EVENTS_AT_ONCE)):
        assert allowance.take(change=False, now=0) is None
    refused = [allowance.take(change=False, now=0) for _ in range(int(REFUSALS_AT_ONCE) + 1)]
    assert [r.limit for r in refused if r] == [EVENTS] * len(refused)
    assert [r.last for r in refused if r] == [False] * int(REFUSALS_AT_ONCE) + [True]
