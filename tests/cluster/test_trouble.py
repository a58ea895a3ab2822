"""What becomes of the stream while Redis is in trouble, and after."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster.conftest import StartCluster
from tests.cluster.far_away import far_away
from tests.cluster.processes import Cluster
from tests.conftest import Connect
from tests.redis_server import Redis
from tests.servers import ATTENTIVE, adjusted, wait_until

SYMBOLS = ["BTC", "ETH"]
# Processes that notice that Redis fails, and miss their leader, sooner than others do.
SOON_STALE = adjusted(
    {"backend.assembly.operation.CHECK_SECONDS": 0.3, "backend.market.replica.SILENT_AFTER_S": 3}
)


def refuse_writes(redis: Redis) -> None:
    redis.command("config", "set", "maxmemory", "1")


def allow_writes(redis: Redis) -> None:
    redis.command("config", "set", "maxmemory", "0")


def ask_for_a_password(redis: Redis) -> None:
    redis.command("config", "set", "requirepass", "secret")
    redis.command_with("secret", "client", "kill", "type", "normal")


def ask_for_none(redis: Redis) -> None:
    redis.command_with("secret", "config", "set", "requirepass", "")


TROUBLES: dict[str, tuple[Callable[[Redis], Any], Callable[[Redis], Any], bool]] = {
    # What begins it, what ends it, and whether Redis knows what it knew.
    "stopped": (Redis.stop, Redis.start, False),
    "hung": (Redis.hang, Redis.resume, True),
    "out of memory": (refuse_writes, allow_writes, True),
    "asking for a password": (ask_for_a_password, ask_for_none, True),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_clients_stay_and_are_told_and_all_is_whole_again(
    trouble: str, start_cluster: StartCluster, connect: Connect
) -> None:
    begin, end, remembers = TROUBLES[trouble]
    cluster = start_cluster(2, **SOON_STALE)
    clients = [connect(to=server) for server in cluster.servers]
    places = []
    for client in clients:
        client.emit("subscribe", {"symbols": SYMBOLS})
        places.append(client.wait("subscription_confirmed"))
        client.wait("market_update", lambda told: not told["BTC"]["stale"])
    begin(cluster.redis)
    for client, server in zip(clients, cluster.servers, strict=True):
        client.wait("connection_status", lambda told: told["status"] == "feed_degraded")
        stale = client.wait("market_update", lambda told: told["BTC"]["stale"])
        assert set(stale) == set(SYMBOLS)
        assert server.get("/health").status_code == 503
        assert client.ack("heartbeat", {"client_time": 7})["client_time"] == 7
    end(cluster.redis)
    for client in clients:
        client.wait("connection_status", lambda told: told["status"] == "feed_restored")
        client.wait("market_update", lambda told: not told["BTC"]["stale"])
        client.wait("sentiment_update")
    cluster.wait_until_whole()
    cluster.leader()
    epochs = set()
    for client, place in zip(clients, places, strict=True):
        client.emit("subscribe", {"symbols": SYMBOLS, "resume": resume_of(place)})
        answer = client.wait("subscription_confirmed", lambda told: told["recovered"] is remembers)
        epochs.add(answer["epoch"])
        assert "disconnect" not in [event for event, _ in client.heard]
    assert len(epochs) == 1
    assert all(
        not server.metric('crs_task_errors_total{task="signals"}') for server in cluster.servers
    )


def resume_of(confirmed: dict[str, Any]) -> dict[str, Any]:
    return {"epoch": confirmed["epoch"], "offset": confirmed["offset"]}


def test_what_redis_has_forgotten_is_not_lost_in_silence(
    start_cluster: StartCluster, connect: Connect
) -> None:
    cluster = start_cluster(2, **ATTENTIVE)
    clients = [connect(to=server) for server in cluster.servers]
    before = []
    for client in clients:
        client.emit("subscribe", {"symbols": SYMBOLS})
        before.append(client.wait("subscription_confirmed"))
        client.wait("sentiment_update")
    cluster.redis.command("flushall")
    for client, old in zip(clients, before, strict=True):
        told = begun_again(client, old["epoch"])
        assert (told["symbols"], told["subscribed"]) == (SYMBOLS, SYMBOLS)
        assert told["offset"] >= old["offset"]
        client.wait("sentiment_update")
        client.emit("subscribe", {"symbols": SYMBOLS, "resume": resume_of(old)})
        assert client.wait("subscription_confirmed")["recovered"] is False
        client.emit("subscribe", {"symbols": SYMBOLS, "resume": resume_of(told)})
        assert client.wait("subscription_confirmed")["recovered"] is True
    same_candles(cluster)


def begun_again(client: Any, epoch: str) -> dict[str, Any]:
    """What a client is told, unasked, when another epoch begins."""
    told = client.wait("subscription_confirmed", lambda told: told["epoch"] != epoch)
    assert told["recovered"] is False
    return dict(told)


def same_candles(cluster: Cluster) -> None:
    def alike() -> bool:
        one, two = cluster.answers("/api/market/candles?symbol=BTC&limit=1500")
        return bool(one == two)

    wait_until(alike, "the same candles everywhere")


def test_a_process_that_starts_without_redis_serves_once_it_is_there(
    redis_server: Redis, start_cluster: StartCluster, connect: Connect
) -> None:
    cluster = start_cluster(1, **ATTENTIVE)
    cluster.servers[0].stop()
    redis_server.stop()
    cluster.restart(0)
    client = connect(to=cluster.servers[0])
    client.emit("subscribe", {"symbols": SYMBOLS})
    assert client.wait("subscription_confirmed")["subscribed"] == SYMBOLS
    assert cluster.servers[0].get("/health").status_code == 503
    redis_server.start()
    assert set(client.wait("market_update")) == set(SYMBOLS)
    cluster.wait_until_whole()


def test_a_redis_that_is_slow_holds_nobody(
    redis_server: Redis, start_cluster: StartCluster, connect: Connect
) -> None:
    with far_away(redis_server.port, 0.1) as port:
        cluster = start_cluster(2, REDIS_URL=f"redis://127.0.0.1:{port}/0")
        clients = [connect(to=server) for server in cluster.servers]
        for client in clients:
            client.emit("subscribe", {"symbols": SYMBOLS})
        for _ in range(8):
            for client in clients:
                assert not client.wait("market_update")["BTC"]["stale"]
        fence = redis_server.command("get", "crs:fence")
        for client in clients:
            for _ in range(4):
                client.wait("sentiment_update")
            # Nobody waits for Redis but those who ask it: an answer takes a tenth of its way.
            asked = time.monotonic()
            for number in range(20):
                client.ack("heartbeat", {"client_time": number})
            assert time.monotonic() - asked < 20 * 0.2
        assert redis_server.command("get", "crs:fence") == fence
        for server in cluster.servers:
            server.stop()
