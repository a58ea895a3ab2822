"""What a connection was is kept for a while, and given once, whoever keeps it."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from backend.clock import SystemClock
from backend.journal import redis_recoveries
from backend.journal.connection import RedisFailed
from backend.journal.recoveries import MemoryRecoveries, Recoverable, Recoveries
from backend.journal.redis_recoveries import KEY, RedisRecoveries
from backend.protocol import Place
from tests.redis_server import Redis

STATE = Recoverable(
    "sid", 1, Place("epoch", 7), 2, ("BTC", "ETH"), ("symbol", "price"), True, ("1m", "1h"), 0
)


class SetClock(SystemClock):
    """A clock that is set forward."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def monotonic(self) -> float:
        return super().monotonic() + self.ahead


class Store:
    """A store, and a second process's view of it; `settle` brings what was kept to where both
    see it, `pass_time` lets it age."""

    def __init__(self, one: Recoveries, other: Recoveries) -> None:
        self.one, self.other = one, other
        self.settle: Callable[[], None] = lambda: None
        self.pass_time: Callable[[float], None] = lambda _seconds: None


@pytest.fixture
def memory() -> Store:
    clock = SetClock()
    kept = MemoryRecoveries(clock)
    store = Store(kept, kept)

    def pass_time(seconds: float) -> None:
        clock.ahead += seconds

    store.pass_time = pass_time
    return store


@pytest.fixture
def shared(redis: Redis) -> Iterator[Store]:
    clock = SetClock()
    one, other = (RedisRecoveries(redis.url, clock) for _ in range(2))
    store = Store(one, other)

    def settle() -> None:
        one.flush()
        other.flush()

    def pass_time(seconds: float) -> None:
        clock.ahead += seconds
        for key in redis.command("keys", KEY + "*"):
            left = redis.command("pttl", key) - int(seconds * 1000)
            redis.command("pexpire", key, max(left, 0))

    store.settle, store.pass_time = settle, pass_time
    yield store
    one.close()
    other.close()


@pytest.fixture(params=["memory", "shared"])
def store(request: pytest.FixtureRequest) -> Store:
    found: Store = request.getfixturevalue(request.param)
    return found


@pytest.mark.parametrize("settled", [True, False])
def test_what_was_kept_last_is_given_whole_and_once(settled: bool, store: Store) -> None:
    anonymous = replace(STATE, user_id=None, fields=None, symbols=())
    store.one.keep("a", replace(STATE, symbols=("BTC",)), 120)
    store.settle()
    store.one.keep("a", STATE, 120)
    store.one.keep("b", anonymous, 120)
    if settled:
        store.settle()
    assert store.one.take("a") == STATE
    assert store.one.take("a") is None
    assert store.one.take("b") == anonymous
    store.settle()
    assert store.other.take("a") is None and store.other.take("b") is None
    assert store.one.take("never kept") is None


def test_another_process_is_given_it_once(store: Store) -> None:
    store.one.keep("a", STATE, 120)
    store.settle()
    assert store.other.take("a") == STATE
    assert store.one.take("a") is None


@pytest.mark.parametrize("settled", [True, False])
def test_it_is_kept_for_so_long_and_no_longer(settled: bool, store: Store) -> None:
    for pid in ("a", "b"):
        store.one.keep(pid, STATE, 120)
    if settled:
        store.settle()
    store.pass_time(110)
    assert store.one.take("a") == STATE
    store.pass_time(20)
    store.settle()
    assert store.one.take("b") is None


def test_keeping_again_prolongs(store: Store) -> None:
    store.one.keep("a", STATE, 120)
    store.settle()
    store.pass_time(100)
    store.one.keep("a", STATE, 120)
    store.settle()
    store.pass_time(100)
    assert store.one.take("a") == STATE


@pytest.mark.parametrize("settled", [True, False])
def test_what_is_forgotten_is_given_to_nobody(settled: bool, store: Store) -> None:
    store.one.keep("a", STATE, 120)
    if settled:
        store.settle()
    store.one.forget("a", STATE.returns)
    assert store.one.take("a") is None
    store.settle()
    assert store.other.take("a") is None


def test_a_process_that_has_not_noticed_does_not_replace_what_was_taken_up(store: Store) -> None:
    store.one.keep("a", STATE, 120)
    store.settle()
    assert store.other.take("a") == STATE
    newer = replace(STATE, returns=1, symbols=("SOL",))
    for pid in ("a", "b"):
        store.other.keep(pid, newer, 120)
    store.settle()
    store.one.keep("a", STATE, 120)
    store.one.forget("b", STATE.returns)
    store.settle()
    assert store.other.take("a") == newer
    assert store.one.take("b") == newer


# --- in memory ------------------------------------------------------------------------------------


def test_beyond_the_bound_the_oldest_is_forgotten_and_the_expired_first() -> None:
    clock = SetClock()
    kept = MemoryRecoveries(clock, kept_max=3)
    for pid in "abcd":
        kept.keep(pid, STATE, 120)
    assert len(kept) == 3
    kept.keep("b", STATE, 120)  # the newest now
    kept.keep("e", STATE, 120)
    assert kept.take("c") is None and kept.take("b") == STATE
    clock.ahead += 200
    for pid in "xy":
        kept.keep(pid, STATE, 120)
    assert len(kept) == 2


# --- on Redis -------------------------------------------------------------------------------------


@pytest.fixture
def kept(redis: Redis) -> Iterator[RedisRecoveries]:
    found = RedisRecoveries(redis.url, SetClock())
    yield found
    found.close()


def test_what_expires_in_redis_is_gone_by_itself(kept: RedisRecoveries, redis: Redis) -> None:
    kept.keep("a", STATE, 120)
    kept.flush()
    assert 100_000 < redis.command("pttl", KEY + "a") <= 120_000


def test_what_another_version_has_kept_is_not_recovered(
    kept: RedisRecoveries, redis: Redis
) -> None:
    for number, packed in enumerate([b"\x81\xa3sid\xa1x", b"\x90", b"\xc1", b""]):
        redis.command("hset", f"{KEY}{number}", "returns", 0, "state", packed)
        assert kept.take(str(number)) is None


@pytest.mark.usefixtures("redis_for_all")
def test_while_redis_is_away_the_newest_of_each_waits_and_who_comes_back_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(redis_recoveries, "WAITING_MAX", 10)
    server = Redis(tmp_path)
    clock = SetClock()
    kept, told = RedisRecoveries(server.url, clock), []
    kept.when_waiting(lambda: told.append(len(kept)))
    for number in range(20):
        kept.keep(f"{number}", STATE, 120)
        kept.keep("a", replace(STATE, returns=number), 120)
    for _ in range(2):
        with pytest.raises(RedisFailed):
            kept.flush()
        assert len(kept) == 10
        assert told.pop() == 10, "nobody would flush again"
    assert kept.take("unknown") is None
    server.start()
    kept.flush()
    assert len(kept) == 0
    assert kept.take("a") is None, "nobody asks again at once"
    clock.ahead += redis_recoveries.ASK_AGAIN_SECONDS
    assert kept.take("a") == replace(STATE, returns=19)
    assert kept.take("12") == STATE and kept.take("3") is None
    kept.close()
    server.stop()


def test_it_is_taken_while_it_is_being_written(
    kept: RedisRecoveries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The write that was on its way leaves nothing for a second one to take."""
    write, taken = kept._write, []

    def slow_write(batch: Any) -> None:
        if not taken:
            taken.append(kept.take("a"))
        write(batch)

    monkeypatch.setattr(kept, "_write", slow_write)
    kept.keep("a", STATE, 120)
    kept.flush()
    assert taken == [STATE]
    assert kept.take("a") is None
