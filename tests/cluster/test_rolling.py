"""All processes are put in others' place while clients stream."""

import random

from tests.cluster.conftest import StartCluster
from tests.cluster.processes import Truth
from tests.cluster.roamer import Roamer
from tests.cluster.test_chaos import SYMBOLS
from tests.cluster.test_proxy import home
from tests.servers import PATIENCE, wait_until
from tests.stream_clients import NodeClient

CLIENTS = 12
OLD, NEW = (0, 1), (2, 3)
# Entries that everybody hears after the move.
SOME = 10


def test_a_rolling_restart_loses_nothing_and_moves_each_client_once(
    start_cluster: StartCluster, truth: Truth
) -> None:
    cluster = start_cluster(4, proxied=True)
    assert cluster.proxy is not None
    cluster.proxy.lead_to(cluster.addresses(OLD), {})
    wait_until(lambda: home(cluster.url) in ("p0", "p1"), "the proxy to take it up")
    rng = random.Random(1)
    token = cluster.servers[0].token
    # A session of the old ones that goes on polling while new ones are led elsewhere.
    poller = NodeClient(cluster.url, {"token": token}, "polling")
    poller.wait("connection_status")
    roamers = [
        Roamer([cluster.url], token, rng.sample(SYMBOLS, 3), seed, None) for seed in range(CLIENTS)
    ]

    def connections(numbers: tuple[int, ...]) -> int:
        return sum(cluster.servers[n].get("/health").json()["connections"] for n in numbers)

    try:
        wait_until(lambda: connections(OLD) == CLIENTS + 1, "all clients")
        # deploy/README.md: new ones beside the old ones, then new sessions to them, then the end.
        cluster.proxy.lead_to(cluster.addresses(NEW), cluster.addresses(OLD))
        wait_until(lambda: home(cluster.url) in ("p2", "p3"), "the proxy to take it up")
        assert poller.ack("heartbeat", {"client_time": 1})["client_time"] == 1
        heard = max(len(roamer.stretches[0].offsets) for roamer in roamers) + SOME
        for number in OLD:
            cluster.servers[number].process.terminate()
        poller.wait("server_shutdown")
        for number in OLD:
            assert cluster.servers[number].process.wait(PATIENCE) == 0
        wait_until(lambda: connections(NEW) == CLIENTS, "all clients to be back")
        assert cluster.leader() in NEW
        wait_until(
            lambda: all(len(roamer.stretches[0].offsets) > heard for roamer in roamers),
            "something to be said to those that have come back",
        )
    finally:
        poller.close()
        for roamer in roamers:
            roamer.close()
    truth.read()
    assert "\n".join(fault for roamer in roamers for fault in roamer.faults(truth)) == ""
    assert [roamer.resumed for roamer in roamers] == [{True: 1, False: 0}] * CLIENTS
