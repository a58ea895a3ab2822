"""The figures of all processes, asked of any."""

import time
from collections.abc import Callable
from typing import Any

from tests.cluster.conftest import StartCluster
from tests.cluster.processes import Cluster
from tests.conftest import Connect
from tests.servers import bearer, wait_until

# How many clients each process has.
CLIENTS = (1, 2)


# They are told of every two seconds, and may be asked for twice a second.
ASK_SECONDS = 0.5


def stats(cluster: Cluster, number: int) -> dict[str, Any]:
    """What a process tells the user by whom its clients are connected, who is the first one."""
    headers = bearer(cluster.servers[0].token)
    answer = cluster.servers[number].get("/api/stats", headers=headers)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def wait_for(cluster: Cluster, number: int, what: Callable[[dict[str, Any]], bool]) -> None:
    def told() -> bool:
        time.sleep(ASK_SECONDS)
        return what(stats(cluster, number))

    wait_until(told, "the figures of all")


def test_any_process_tells_of_all(start_cluster: StartCluster, connect: Connect) -> None:
    cluster = start_cluster(2)
    token = {"token": cluster.servers[0].token}
    for server, count in zip(cluster.servers, CLIENTS, strict=True):
        for _ in range(count):
            client = connect(auth=token, to=server)
            client.emit("subscribe", {"symbols": ["BTC"]})
            client.wait("market_update")
            client.wait("market_update")
    for number in range(2):
        wait_for(cluster, number, lambda told: told["total"]["connections"] == sum(CLIENTS))
        told = stats(cluster, number)
        assert [process["name"] for process in told["processes"]] == ["p0", "p1"]
        each = [process["figures"] for process in told["processes"]]
        assert tuple(figures["connections"] for figures in each) == CLIENTS
        assert told["total"]["subscriptions"] == {"BTC": sum(CLIENTS)}
        assert sum(process["leads"] for process in told["processes"]) == 1
        sums = told["total"]["lateness"]["market_update"]
        parts = [figures["lateness"]["market_update"] for figures in each]
        assert sums["count"] == sum(part["count"] for part in parts)

    assert cluster.servers[1].stop() == 0
    assert [process["name"] for process in stats(cluster, 0)["processes"]] == ["p0"]


def test_without_redis_a_process_tells_of_itself_and_says_so(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2)
    wait_for(cluster, 0, lambda told: len(told["processes"]) == 2)
    cluster.redis.hang()
    told = stats(cluster, 0)
    assert told["complete"] is False
    assert [process["name"] for process in told["processes"]] == ["p0"]
    cluster.redis.resume()
    wait_for(cluster, 1, lambda told: len(told["processes"]) == 2)
