"""Several processes are one stream."""

import math
import time
from typing import Any

from tests.cluster.conftest import StartCluster
from tests.cluster.processes import Cluster
from tests.cluster.ticks import Numbers, assert_alike, left_out
from tests.conftest import Connect
from tests.servers import wait_until

SYMBOLS = ["BTC", "ETH"]


def seqs(quotes: dict[str, Any]) -> Numbers:
    return tuple(sorted((symbol, q["seq"], q["price"]) for symbol, q in quotes.items()))


def same(cluster: Cluster, path: str) -> Any:
    """What all processes answer, once they do so alike."""

    def alike() -> Any:
        first, *others = cluster.answers(path)
        return first if all(other == first for other in others) else None

    return wait_until(alike, f"the same answer to {path} everywhere")


def test_clients_of_all_processes_get_the_same(three: Cluster, connect: Connect) -> None:
    ways = [("python", "websocket"), ("node", "polling"), ("node", "upgrade")]
    clients = [
        connect(stack, transport, {"token": three.servers[0].token}, to=server)
        for server, (stack, transport) in zip(three.servers, ways, strict=True)
    ]
    late = left_out(three)
    for client in clients:
        client.emit("subscribe", {"symbols": SYMBOLS})
        client.wait("subscription_confirmed")
    # The snapshot, and a tick.
    for client in clients:
        for _ in range(2):
            client.wait("market_update")
    for _ in range(6):
        last = clients[0].wait("market_update")["BTC"]["seq"]
    for client in clients[1:]:
        client.wait("market_update", lambda quotes: quotes["BTC"]["seq"] >= last)
    newest = clients[0].wait("sentiment_update")["offset"] + 10
    for client in clients:
        client.wait("sentiment_update", lambda told: told["offset"] >= newest)
    # Without the snapshot.
    ticks = [[seqs(quotes) for quotes in client.all("market_update")[1:]] for client in clients]
    begin, end = max(each[0] for each in ticks), min(each[-1] for each in ticks)
    one, polled, upgraded = ([tick for tick in each if begin <= tick <= end] for each in ticks)
    assert len(set(one)) >= 4
    assert len(set(polled)) >= 2
    # Between two polls the latest tick takes the place of the one before it.
    may_lack = [math.inf if way == ("node", "polling") else 0 for way in ways]
    may_lack = [more + number for more, number in zip(may_lack, left_out(three, late), strict=True)]
    assert_alike([one, polled, upgraded], may_lack)
    said = [{told["offset"]: told for told in client.all("sentiment_update")} for client in clients]
    together = set(said[0]) & set(said[1]) & set(said[2])
    assert len(together) >= 8
    assert all(said[0][o] == said[1][o] == said[2][o] for o in together)
    three.leader()


def test_rest_answers_alike_everywhere(three: Cluster) -> None:
    for interval in ("1m", "4h"):
        path = f"/api/market/candles?symbol=BTC&limit=1500&interval={interval}"
        assert len(same(three, path)["candles"]) > 10
    wait_until(lambda: same(three, "/api/signals")["signals"], "a signal")
    assert len(same(three, "/api/sentiment")["history"]) > 10
    assert set(SYMBOLS) <= set(same(three, "/api/market/quotes")["quotes"])


def test_another_leads_when_the_leader_is_gone_and_goes_on_where_it_was(
    start_cluster: StartCluster, connect: Connect
) -> None:
    cluster = start_cluster(3)
    leader = cluster.leader()
    other = (leader + 1) % 3
    client = connect(to=cluster.servers[other])
    client.emit("subscribe", {"symbols": SYMBOLS})
    client.wait("market_update")
    signals = same(cluster, "/api/signals?limit=20")["signals"]
    cluster.kill(leader)
    heir = cluster.leader()
    assert heir != leader
    last = client.all("market_update")[-1]["BTC"]["seq"]
    client.wait("market_update", lambda told: told["BTC"]["seq"] > last + 3)
    ticks = [told["BTC"]["seq"] for told in client.all("market_update")]
    assert ticks == sorted(ticks)
    ids = {signal["id"] for signal in same(cluster, "/api/signals?limit=500")["signals"]}
    assert {signal["id"] for signal in signals} <= ids
    cluster.restart(leader)
    same(cluster, "/api/market/candles?symbol=BTC&limit=1500")
    assert cluster.leaders() == [heir]


def test_a_leader_that_was_frozen_publishes_nothing_when_it_wakes(
    start_cluster: StartCluster, connect: Connect
) -> None:
    cluster = start_cluster(2)
    leader = cluster.leader()
    other = 1 - leader
    clients = [connect(to=server) for server in cluster.servers]
    for client in clients:
        client.emit("subscribe", {"symbols": SYMBOLS})
        client.wait("market_update")
    cluster.freeze(leader)
    assert cluster.leader([other]) == other
    fence = cluster.redis.command("get", "crs:fence")
    cluster.wake(leader)
    wait_until(lambda: cluster.leaders() == [other], "the one that woke to step down")
    marks = [client.wait("sentiment_update")["offset"] for client in clients]
    for client in clients:
        client.wait("sentiment_update", lambda told: told["offset"] > max(marks) + 5)
        client.wait("market_update")
    assert cluster.redis.command("get", "crs:fence") == fence
    # Whatever has one number has one content and comes in order, before and after.
    by_seq: dict[tuple[str, int], float] = {}
    for client in clients:
        seen = [quotes["BTC"]["seq"] for quotes in client.all("market_update")]
        assert seen == sorted(seen)
        for quotes in client.all("market_update"):
            for symbol, quote in quotes.items():
                assert by_seq.setdefault((symbol, quote["seq"]), quote["price"]) == quote["price"]
    same(cluster, "/api/market/candles?symbol=ETH&limit=1500")


def test_who_ends_in_order_hands_the_lead_over_at_once(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2)
    leader = cluster.leader()
    assert cluster.servers[leader].stop() == 0
    # Nobody had to wait for the lease to run out: the next one has it within its next looks.
    assert cluster.leader() == 1 - leader
    assert cluster.redis.command("get", "crs:fence") == b"2"


def test_a_client_that_goes_to_another_process_has_missed_nothing(
    three: Cluster, connect: Connect
) -> None:
    witness, client = (connect(to=server) for server in three.servers[:2])
    for each in (witness, client):
        each.emit("subscribe", {"symbols": SYMBOLS})
    confirmed = client.wait("subscription_confirmed")
    last = client.wait("sentiment_update")["offset"]
    client.close()
    witness.wait("sentiment_update", lambda told: told["offset"] > last + 6)
    again = connect(to=three.servers[0])
    place = {"epoch": confirmed["epoch"], "offset": last}
    again.emit("subscribe", {"symbols": SYMBOLS, "resume": place})
    resumed = again.wait("subscription_confirmed")
    assert resumed["recovered"] is True
    newest = again.wait("sentiment_update", lambda told: told["offset"] > last + 10)["offset"]
    witness.wait("sentiment_update", lambda told: told["offset"] >= newest)

    def said(heard: list[Any]) -> list[Any]:
        told = [args[0] for event, args in heard if event in ("sentiment_update", "trading_signal")]
        return [each for each in told if last < each["offset"] <= newest]

    heard = again.heard[again.heard.index(("subscription_confirmed", (resumed,))) :]
    assert said(heard) == said(witness.heard)


def test_redis_is_asked_as_much_for_many_clients_as_for_few(
    start_cluster: StartCluster, connect: Connect
) -> None:
    cluster = start_cluster(2, SENTIMENT_INTERVAL="2", SIGNAL_INTERVAL="2")

    def commands() -> float:
        """Commands a second, over a few seconds."""
        info = "total_commands_processed:"

        def count() -> int:
            text = cluster.redis.command("info", "stats")
            text = text.decode() if isinstance(text, bytes) else text
            if isinstance(text, dict):
                return int(text["total_commands_processed"])
            return int(text.split(info)[1].split()[0])

        first, started = count(), time.monotonic()
        time.sleep(4)
        return (count() - first) / (time.monotonic() - started)

    def join(count: int) -> None:
        for number in range(count):
            client = connect(to=cluster.servers[number % 2])
            client.emit("subscribe", {"symbols": SYMBOLS[: 1 + number % 2], "realtime": True})
            client.wait("market_update")

    join(2)
    few = commands()
    join(30)
    assert commands() < 1.3 * few
