from hypothesis import given
from hypothesis import strategies as st

from backend.api.counters import BoundedCounters


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_window_counts_until_it_ends_and_begins_anew() -> None:
    clock = Clock()
    counters = BoundedCounters(clock=clock)
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
