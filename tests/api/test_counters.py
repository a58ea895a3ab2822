from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from limits.storage import Storage

from backend.api.counters import SHARED_RETRY_S, BoundedCounters, SharedCounters


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_window_counts_until_it_ends_and_begins_anew() -> None:
    clock = Clock()
    counters = BoundedCounters(clock=clock, wall=clock)
    assert [counters.incr("a", 60) for _ in range(3)] == [1, 2, 3]
    assert counters.get_expiry("a") == 1060
    clock.now = 1059.9
    assert counters.incr("a", 60, amount=2) == 5
    assert counters.get("a") == 5
    assert counters.get_expiry("a") == 1060
    clock.now = 1060
    assert counters.get("a") == 0
    assert counters.get_expiry("a") == 1060
    assert counters.incr("a", 60) == 1
    assert counters.get_expiry("a") == 1120


def test_keys_count_apart_and_an_unknown_one_is_at_zero() -> None:
    counters = BoundedCounters(clock=Clock())
    counters.incr("a", 60)
    assert (counters.get("a"), counters.get("b")) == (1, 0)
    counters.clear("a")
    counters.clear("never was")
    assert counters.get("a") == 0


def test_reading_keeps_nothing() -> None:
    counters = BoundedCounters(clock=Clock())
    for n in range(1000):
        counters.get(f"k{n}")
        counters.get_expiry(f"k{n}")
    assert len(counters) == 0


def test_what_has_ended_is_forgotten_as_others_come() -> None:
    clock = Clock()
    counters = BoundedCounters(clock=clock)
    for n in range(1000):
        counters.incr(f"old{n}", 60)
    clock.now += 60
    for n in range(1000):
        counters.incr(f"new{n}", 60)
    assert len(counters) == 1000


def test_beyond_the_bound_the_oldest_windows_are_forgotten() -> None:
    counters = BoundedCounters(keys_max=100, clock=Clock())
    for n in range(1000):
        assert counters.incr(f"k{n}", 60) == 1
        assert len(counters) <= 100
    assert counters.get("k999") == 1
    assert counters.get("k0") == 0


@given(
    st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 40), st.integers(1, 3)), max_size=60)
)
def test_counts_equal_those_of_a_plain_list(steps: list[tuple[str, int, int]]) -> None:
    clock = Clock()
    counters = BoundedCounters(clock=clock)
    windows: dict[str, tuple[float, int]] = {}
    for key, wait, amount in steps:
        clock.now += wait
        begun, count = windows.get(key, (0.0, 0))
        if clock.now >= begun + 60:
            begun, count = clock.now, 0
        windows[key] = (begun, count + amount)
        assert counters.incr(key, 60, amount) == count + amount
        assert counters.get(key) == count + amount
    assert len(counters) <= 4


def test_a_window_ends_in_its_time_whatever_is_done_to_the_wall_clock() -> None:
    clock, wall = Clock(), Clock()
    counters = BoundedCounters(clock=clock, wall=wall)
    counters.incr("a", 60)
    for jump in (-3600.0, 7200.0):
        wall.now += jump
        assert counters.get("a") == 1
        assert counters.get_expiry("a") == wall.now + 60
        assert counters.remaining("a") == 60
    clock.now += 60
    assert (counters.get("a"), counters.remaining("a")) == (0, 0)


def test_what_is_left_of_a_window_is_told_in_whole_seconds() -> None:
    clock = Clock()
    counters = BoundedCounters(clock=clock)
    counters.incr("a", 60)
    clock.now += 59.9
    assert counters.remaining("a") == 1
    assert counters.remaining("never was") == 0


class Away(Storage):
    """A storage that can't be reached while `away`, and counts how often it was tried."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = BoundedCounters()
        self.away, self.tried = False, 0
        self.meanwhile: Callable[[], object] = lambda: None

    base_exceptions = ConnectionError

    def _ask(self, name: str, *args: Any) -> Any:
        self.tried += 1
        self.meanwhile()
        if self.away:
            raise ConnectionError
        return getattr(self.inner, name)(*args)

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        return int(self._ask("incr", key, expiry, amount))

    def get(self, key: str) -> int:
        return int(self._ask("get", key))

    def get_expiry(self, key: str) -> float:
        return float(self._ask("get_expiry", key))

    def check(self) -> bool:
        return not self.away

    def reset(self) -> int | None:
        return self.inner.reset()

    def clear(self, key: str) -> None:
        self._ask("clear", key)


def test_a_process_counts_for_itself_while_the_shared_counters_are_out_of_reach() -> None:
    clock, away = Clock(), Away()
    counters = SharedCounters(shared=away, clock=clock)
    assert [counters.incr("a", 60) for _ in range(2)] == [1, 2]
    assert counters.remaining("a") == 60
    away.away = True
    assert [counters.incr("a", 60) for _ in range(2)] == [1, 2]
    assert (counters.get("a"), counters.remaining("a")) == (2, 60)
    # Asked once, and not again for a while: each question may take a second.
    assert away.tried == 5
    clock.now += SHARED_RETRY_S
    assert [counters.get("a") for _ in range(3)] == [2] * 3
    assert away.tried == 6
    away.away = False
    clock.now += SHARED_RETRY_S
    assert counters.get("a") == 2
    counters.clear("a")
    assert (counters.get("a"), counters.remaining("a")) == (0, 0)


def test_while_one_asks_whether_the_shared_counters_are_back_others_do_not_wait_for_it() -> None:
    clock, away = Clock(), Away()
    counters = SharedCounters(shared=away, clock=clock)
    away.away = True
    counters.incr("a", 60)
    clock.now += SHARED_RETRY_S
    met: list[int] = []
    # Another request comes while the answer is waited for.
    away.meanwhile = lambda: met.append(counters.incr("a", 60))
    assert counters.incr("a", 60) == 3
    assert (met, away.tried) == ([2], 2)
