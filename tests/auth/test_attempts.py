import pytest

from backend.api.counters import BoundedCounters
from backend.auth.attempts import (
    ADDRESS_FAILURES,
    FREE_FAILURES,
    LONGEST_DELAY_S,
    Attempts,
    Caller,
    Registrations,
    TooManyAttempts,
    account_digest,
)

STRANGER = Caller("alice", "192.0.2.1")
OWNER = Caller("alice", "192.0.2.1", "a laptop")


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def counters(time: Time) -> BoundedCounters:
    return BoundedCounters(clock=time)


@pytest.fixture
def attempts(counters: BoundedCounters) -> Attempts:
    return Attempts(counters)


def wait_of(attempts: Attempts, caller: Caller) -> int:
    """How long `caller` is told to wait; 0 where a guess was let through."""
    try:
        attempts.reserve(caller)
    except TooManyAttempts as error:
        return error.retry_after
    return 0


def fail(attempts: Attempts, caller: Caller, times: int = FREE_FAILURES) -> None:
    for _ in range(times):
        attempts.reserve(caller)


def test_a_few_guesses_are_free_and_then_each_makes_the_next_wait_longer(
    attempts: Attempts, time: Time
) -> None:
    fail(attempts, STRANGER)
    waits = []
    for _ in range(8):
        waits.append(wait_of(attempts, STRANGER))
        time.now += waits[-1]
        assert wait_of(attempts, STRANGER) == 0
    assert waits == [15, 30, 60, 120, 240, 300, 300, 300]


def test_guesses_at_an_account_count_together_wherever_they_come_from(attempts: Attempts) -> None:
    for n in range(FREE_FAILURES):
        attempts.reserve(Caller("alice", f"192.0.2.{n}"))
    assert wait_of(attempts, Caller("alice", "198.51.100.1")) > 0
    assert wait_of(attempts, Caller("bob", "192.0.2.1")) == 0


def test_strangers_do_not_lock_out_a_known_device_nor_the_other_way_round(
    attempts: Attempts,
) -> None:
    fail(attempts, STRANGER)
    assert wait_of(attempts, OWNER) == 0
    fail(attempts, OWNER, FREE_FAILURES - 1)
    assert wait_of(attempts, OWNER) > 0
    assert wait_of(attempts, Caller("alice", "192.0.2.1", "a phone")) == 0


def test_a_guess_that_is_given_back_never_was(attempts: Attempts, time: Time) -> None:
    for _ in range(50):
        attempts.reserve(STRANGER)
        attempts.give_back(STRANGER)
    fail(attempts, STRANGER)
    time.now += wait_of(attempts, STRANGER)
    # The right password, after the wait.
    attempts.reserve(STRANGER)
    attempts.give_back(STRANGER)
    assert wait_of(attempts, STRANGER) == 0


def test_a_guess_counts_before_its_answer_is_known(attempts: Attempts) -> None:
    waits = [wait_of(attempts, STRANGER) for _ in range(65)]
    assert waits.count(0) == FREE_FAILURES


def test_one_guess_at_each_of_many_names_is_limited_by_address(
    attempts: Attempts, time: Time
) -> None:
    for n in range(ADDRESS_FAILURES):
        attempts.reserve(Caller(f"user{n}", "192.0.2.1"))
    assert wait_of(attempts, Caller("another", "192.0.2.1")) == 60
    assert wait_of(attempts, Caller("another", "192.0.2.2")) == 0
    assert wait_of(attempts, Caller("another", "192.0.2.1", "a laptop")) == 0
    time.now += 60
    assert wait_of(attempts, Caller("another", "192.0.2.1")) == 0


def test_a_clock_that_is_set_makes_nobody_wait_longer(attempts: Attempts, time: Time) -> None:
    wall = Time()
    attempts = Attempts(BoundedCounters(clock=time, wall=wall))
    fail(attempts, STRANGER)
    for jump in (-3600, 7200):
        wall.now += jump
        assert 0 < wait_of(attempts, STRANGER) <= LONGEST_DELAY_S
    time.now += LONGEST_DELAY_S
    assert wait_of(attempts, STRANGER) == 0


def test_names_are_one_account_in_any_capitals_and_not_kept_as_they_are() -> None:
    assert account_digest("Alice") == account_digest("aLICE") != account_digest("alice2")
    assert len(account_digest("x" * 10_000)) == 32


def registered(registrations: Registrations, network: str) -> bool:
    try:
        registrations.reserve(network)
    except TooManyAttempts as error:
        assert 1 <= error.retry_after <= 3600
        return False
    return True


def test_an_address_makes_so_many_accounts_an_hour(counters: BoundedCounters, time: Time) -> None:
    registrations = Registrations(counters, per_address=60, in_all=100_000)
    made = sum(registered(registrations, "192.0.2.1") for _ in range(100))
    assert 58 <= made <= 60
    assert registered(registrations, "192.0.2.2")
    time.now += 3600
    assert registered(registrations, "192.0.2.1")


def test_busy_addresses_leave_something_to_one_that_comes_for_its_first(
    counters: BoundedCounters,
) -> None:
    registrations = Registrations(counters, per_address=60, in_all=600)
    for _ in range(60):
        for n in range(50):
            registered(registrations, f"192.0.2.{n}")
    assert sum(registered(registrations, "198.51.100.1") for _ in range(60)) >= 5


def test_there_is_a_total_in_an_hour(counters: BoundedCounters) -> None:
    registrations = Registrations(counters, per_address=60, in_all=600)
    assert sum(registered(registrations, f"10.0.{n // 250}.{n % 250}") for n in range(1000)) == 600
