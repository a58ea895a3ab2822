"""What several processes hold together."""

import msgpack
import pytest

from backend.journal.census import USERS
from backend.journal.counts import Counts
from backend.journal.redis_census import COUNTS, FRESH_SECONDS, TOLD_MAX, RedisCensus
from tests.clocks import ManualClock
from tests.redis_server import Redis


class Process:
    """One process's part in the census, of one kind."""

    def __init__(self, url: str, name: str, limit: int) -> None:
        self.clock = ManualClock(0)
        self.counts = Counts()
        self.census = RedisCensus(url, name, lambda _seconds: None, self.clock)
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
    for _ in range(2):
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
    three[1].clock.set_ms(round(FRESH_SECONDS * 1000) + 1)
    assert three[1].others(42) == 0


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
