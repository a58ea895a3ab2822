"""What several processes hold together."""

import re
from collections.abc import Callable

import msgpack
import pytest

from backend.journal.census import USERS
from backend.journal.counts import Counts
from backend.journal.orders import COUNTED, LoneOrders
from backend.journal.redis_census import (
    COUNTS,
    EVERY_SECONDS,
    FRESH_SECONDS,
    QUIET_SECONDS,
    TOLD_MAX,
    RedisCensus,
)
from tests.clocks import ManualClock
from tests.redis_server import Redis


class Orders(LoneOrders):
    """Those that reach others only when a test says so."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.handlers: dict[str, Callable[..., object]] = {}

    def give(self, kind: str, **_facts: object) -> None:
        self.given.append(kind)

    def on(self, kind: str, handler: Callable[..., object]) -> None:
        self.handlers[kind] = handler


class Process:
    """One process's part in the census, of one kind."""

    def __init__(self, url: str, name: str, limit: int) -> None:
        self.clock = ManualClock(0)
        self.counts = Counts()
        self.orders = Orders()
        self.census = RedisCensus(url, name, self.orders, self.clock.advance, self.clock)
        self.census.tell(USERS, lambda: self.counts, limit)

    def add(self, key: int, times: int) -> None:
        for _ in range(times):
            self.counts.add(key)

    def others(self, key: int) -> int:
        return self.census.others(USERS, key)


@pytest.fixture
def three(redis_server: Redis) -> list[Process]:
    return [Process(redis_server.url, name, limit=300) for name in ("one", "two", "three")]


def exchange(processes: list[Process]) -> None:
    """As often as makes everybody hear of everybody, whoever began."""
    for _ in range(2 + round(QUIET_SECONDS / EVERY_SECONDS)):
        for process in processes:
            process.census.exchange()


def test_each_knows_what_all_others_have(three: list[Process]) -> None:
    for process, times in zip(three, (3, 5, 7), strict=True):
        process.add(42, times)
    exchange(three)
    assert [process.others(42) for process in three] == [12, 10, 8]
    assert three[0].others(43) == 0
    three[1].counts = Counts()
    exchange(three)
    assert [process.others(42) for process in three] == [7, 10, 3]


def test_a_hundredth_of_the_limit_is_not_told_of(three: list[Process]) -> None:
    three[0].add(1, 2)
    three[0].add(2, 3)
    exchange(three)
    assert [three[1].others(key) for key in (1, 2)] == [0, 3]


def test_of_many_those_with_most_are_told_of(three: list[Process]) -> None:
    for key in range(TOLD_MAX):
        three[0].add(key, 3)
    three[0].add(-1, 4)
    exchange(three)
    assert three[1].others(-1) == 4
    assert sum(three[1].others(key) for key in range(TOLD_MAX)) == 3 * (TOLD_MAX - 1)


def test_who_has_heard_nothing_for_long_counts_for_itself(three: list[Process]) -> None:
    three[0].add(42, 3)
    exchange(three)
    assert three[1].others(42) == 3
    three[1].clock.advance(FRESH_SECONDS + 0.001)
    assert three[1].others(42) == 0


def test_who_begins_to_tell_is_heard_at_once_and_while_nobody_does_redis_is_hardly_asked(
    three: list[Process], redis_server: Redis
) -> None:
    one, two, _ = three

    def asked() -> int:
        stats = redis_server.command("info", "commandstats")
        text = stats.decode() if isinstance(stats, bytes) else str(stats)
        return int(re.search(r"cmdstat_evalsha\D+calls\D+(\d+)", text)[1])  # type: ignore[index]

    exchange(three)
    before = asked()
    for _ in range(round(4 * QUIET_SECONDS / EVERY_SECONDS)):
        two.census.exchange()
    assert asked() - before <= 4
    one.add(42, 3)
    one.census.exchange()
    one.census.exchange()
    assert one.orders.given == [COUNTED]
    two.orders.handlers[COUNTED]()
    two.census.exchange()
    assert two.others(42) == 3
    one.counts = Counts()
    one.census.exchange()
    two.census.exchange()
    assert two.others(42) == 0


def test_counts_that_cannot_be_read_are_passed_over(
    three: list[Process], redis_server: Redis
) -> None:
    three[0].add(42, 3)
    with redis_server.client() as client:
        for name, packed in (
            ("a", b"\xc1"),
            ("b", msgpack.packb([1])),
            ("c", msgpack.packb({USERS: [[42]]})),
            ("d", msgpack.packb({USERS: [[[], 1]]})),
            ("e", msgpack.packb({USERS: [[42, "many"]]})),
        ):
            client.hset(COUNTS, name, packed)
    exchange(three)
    assert three[1].others(42) == 3
