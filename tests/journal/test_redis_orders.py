"""Orders from process to process."""

import logging
from typing import Any

import msgpack
import pytest

from backend.journal import redis_orders
from backend.journal.connection import RedisFailed
from backend.journal.redis_orders import STREAM, WAITING_MAX, RedisOrders
from backend.metrics import Metrics
from tests.redis_server import Redis


class Process:
    """One process's orders, and what it was ordered."""

    def __init__(self, url: str, name: str) -> None:
        self.metrics = Metrics()
        self.orders = RedisOrders(url, name, self.metrics)
        self.done: list[int] = []
        self.orders.on("do", self._do)

    def _do(self, number: int) -> None:
        self.done.append(number)
        if number < 0:
            raise ValueError(number)

    def fate(self, name: str) -> float:
        return self.metrics.registry.get_sample_value("crs_orders_total", {"fate": name}) or 0.0


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for news."""
    monkeypatch.setattr(redis_orders, "IDLE_SECONDS", 0.05)


@pytest.fixture
def two(redis_server: Redis, quick: None) -> list[Process]:
    processes = [Process(redis_server.url, name) for name in ("one", "two")]
    for process in processes:
        process.orders.read()
    return processes


def test_an_order_is_done_once_by_all_but_who_gave_it(two: list[Process]) -> None:
    one, other = two
    for number in range(250):
        one.orders.give("do", number=number)
    one.orders.send()
    for _ in range(4):
        one.orders.read()
        other.orders.read()
    assert other.done == list(range(250))
    assert one.done == []
    assert (one.fate("sent"), other.fate("done")) == (250, 250)


def test_who_comes_later_does_nothing_of_what_was_ordered_before(
    two: list[Process], redis_server: Redis
) -> None:
    two[0].orders.give("do", number=1)
    two[0].orders.send()
    late = Process(redis_server.url, "late")
    late.orders.read()
    two[0].orders.give("do", number=2)
    two[0].orders.send()
    late.orders.read()
    assert late.done == [2]


def test_what_was_missed_in_an_outage_is_done_after_it(
    two: list[Process], redis_server: Redis
) -> None:
    one, other = two
    redis_server.hang()
    one.orders.give("do", number=1)
    with pytest.raises(RedisFailed):
        one.orders.send()
    with pytest.raises(RedisFailed):
        other.orders.read()
    one.orders.give("do", number=2)
    redis_server.resume()
    one.orders.send()
    other.orders.read()
    # What Redis took without being able to say so comes twice.
    assert other.done in ([1, 2], [1, 1, 2])


def test_orders_that_wait_are_bounded_and_the_oldest_give_way(
    two: list[Process], redis_server: Redis
) -> None:
    one, other = two
    redis_server.stop()
    for number in range(WAITING_MAX + 10):
        one.orders.give("do", number=number)
    assert one.fate("dropped") == 10
    redis_server.start()
    one.orders.send()
    with pytest.raises(RedisFailed):
        other.orders.read()  # on the connection that was cut
    for _ in range(12):
        other.orders.read()
    assert other.done == list(range(10, WAITING_MAX + 10))


def _broken(number: int) -> dict[str, Any]:
    facts = msgpack.packb({"number": number})
    return [
        {"x": "y"},
        {"from": "x", "kind": "do"},
        {"from": "x", "kind": "do", "facts": b"\xc1"},
        {"from": "x", "kind": "do", "facts": msgpack.packb([1])},
        {"from": "x", "kind": "do", "facts": msgpack.packb({"other": 1})},
        {"from": "x", "kind": b"\xff", "facts": facts},
        {"from": "x", "kind": "of a newer version", "facts": facts},
    ][number]


def test_what_is_broken_or_unknown_or_fails_is_counted_and_passed_over(
    two: list[Process], redis_server: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    one, other = two
    with redis_server.client() as client:
        for number in range(7):
            client.xadd(STREAM, _broken(number))
    for number in (-1, -2, 3):
        one.orders.give("do", number=number)
    one.orders.send()
    with caplog.at_level(logging.ERROR):
        other.orders.read()
    assert other.done == [-1, -2, 3]
    assert [other.fate(name) for name in ("failed", "unknown", "done")] == [6, 3, 1]
    assert len(caplog.records) == 1
