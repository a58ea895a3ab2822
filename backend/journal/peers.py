"""The other processes of this installation, as far as this one has to do with them: orders, the
census, their reports, and what programs outside have its clients told."""

import secrets
from collections.abc import Callable
from random import Random
from typing import Protocol

from backend.clock import Clock
from backend.journal.census import Census, LoneCensus
from backend.journal.lasting import Lasting
from backend.journal.orders import LoneOrders, Orders
from backend.journal.outside import Outside
from backend.journal.processes import LoneProcesses, Processes
from backend.journal.redis_census import RedisCensus
from backend.journal.redis_orders import RedisOrders
from backend.journal.redis_processes import RedisProcesses
from backend.metrics import Metrics

# Enough that no two processes have the same name.
_NAME_BYTES = 8


class Task(Protocol):
    """What runs in the background until it is stopped."""

    def run(self) -> None: ...
    def stop(self) -> None: ...


class Peers(Protocol):
    """One of `Alone` and `Company`."""

    orders: Orders
    census: Census
    processes: Processes

    def hear(self, take: Callable[[bytes], None]) -> None:
        """Have `take` called with each message that programs outside publish for the clients."""

    def tasks(self) -> list[Task]:
        """What has to run in the background."""


class Alone:
    """There are no others."""

    def __init__(self) -> None:
        self.orders: Orders = LoneOrders()
        self.census: Census = LoneCensus()
        self.processes: Processes = LoneProcesses()

    def hear(self, take: Callable[[bytes], None]) -> None:
        """Nobody could publish anything."""

    def tasks(self) -> list[Task]:
        return []


class Company:
    """Others share a Redis with this process."""

    def __init__(
        self,
        redis_url: str,
        sleep: Callable[[float], None],
        clock: Clock,
        random: Random,
        metrics: Metrics,
    ) -> None:
        def lasting(name: str, talk: Callable[[], None]) -> Task:
            return Lasting(name, talk, sleep, random, metrics)

        me = secrets.token_hex(_NAME_BYTES)
        self._url = redis_url
        self._clock = clock
        self._lasting = lasting
        orders = RedisOrders(redis_url, me, metrics)
        census = RedisCensus(redis_url, me, sleep, clock)
        self.orders: Orders = orders
        self.census: Census = census
        processes = RedisProcesses(redis_url, me, sleep, metrics)
        self.processes: Processes = processes
        self._tasks = [
            lasting("orders to others", orders.send),
            lasting("orders of others", orders.read),
            lasting("census", census.exchange),
            lasting("processes", processes.report),
        ]

    def hear(self, take: Callable[[bytes], None]) -> None:
        """Have `take` called with each message that programs outside publish for the clients."""
        outside = Outside(self._url, take, self._clock)
        self._tasks.append(self._lasting("messages from outside", outside.listen))

    def tasks(self) -> list[Task]:
        return self._tasks


def create_peers(
    redis_url: str,
    sleep: Callable[[float], None],
    clock: Clock,
    random: Random,
    metrics: Metrics,
) -> Peers:
    """Those who share the Redis at `redis_url`; empty: there are none."""
    return Company(redis_url, sleep, clock, random, metrics) if redis_url else Alone()
