"""What each process tells of itself is known to the others, for as long as it goes on."""

import pytest

from backend.journal import redis_processes
from backend.journal.redis_processes import KEY, RedisProcesses
from backend.metrics import Metrics
from tests.redis_server import Redis
from tests.servers import wait_until


class Process:
    """One that tells its name."""

    def __init__(self, url: str, name: str) -> None:
        self.metrics = Metrics()
        self.processes = RedisProcesses(url, name, lambda _seconds: None, self.metrics)
        self.processes.tell(lambda: {"name": name})

    def others(self) -> list[str] | None:
        reports = self.processes.others()
        return None if reports is None else sorted(report["name"] for report in reports)


def started(url: str) -> list[Process]:
    processes = [Process(url, name) for name in ("one", "two", "three")]
    for process in processes:
        process.processes.report()
    return processes


def test_each_hears_of_all_others(redis_server: Redis) -> None:
    one, two, _ = started(redis_server.url)
    assert one.others() == ["three", "two"]
    assert two.others() == ["one", "three"]


def test_who_ends_is_out_at_once_and_does_not_come_back(redis_server: Redis) -> None:
    one, two, _ = started(redis_server.url)
    two.processes.leave()
    two.processes.report()
    assert one.others() == ["three"]


def test_who_tells_nothing_any_more_is_out_after_a_while(
    redis_server: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redis_processes, "FRESH_SECONDS", 0.5)
    one, two, _ = started(redis_server.url)

    def only_two() -> bool:
        two.processes.report()
        return one.others() == ["two"]

    wait_until(only_two, "the others to be left out")
    redis_server.wait_until_gone(KEY)


def test_without_redis_it_is_said_that_the_others_are_not_known(redis_server: Redis) -> None:
    one, *_ = started(redis_server.url)
    redis_server.stop()
    assert one.others() is None
    failures = 'crs_redis_failures_total{what="processes"} 1.0'
    assert failures in one.metrics.render().decode()
