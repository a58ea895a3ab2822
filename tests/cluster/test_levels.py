"""Levels of several processes: the same in each, and held on by whoever takes over."""

from typing import Any

import msgpack

from backend.journal.redis_streams import KEPT_BESIDE, LEVELS
from tests.cluster.conftest import StartCluster
from tests.cluster.processes import Cluster
from tests.servers import wait_until

# Their levels are confirmed for 40 minutes and for four hours: none changes within a test.
SLOW = ("4h", "1d")


def levels(cluster: Cluster) -> list[dict[str, str]]:
    """Of each process, by timeframe."""
    return [
        {timeframe: one["signal"] for timeframe, one in answer["ratings"].items() if one}
        for answer in cluster.answers("/api/ratings?symbol=BTC")
    ]


def told(cluster: Cluster) -> dict[str, str]:
    """What Redis has of the symbol."""
    levels = msgpack.unpackb(cluster.redis.command("get", KEPT_BESIDE.format(name=LEVELS)))
    return dict(levels.get("BTC", {}))


def test_every_process_answers_with_the_levels_of_the_one_that_leads(
    start_cluster: StartCluster,
) -> None:
    cluster = start_cluster(2, SYMBOLS="BTC,ETH", SIGNAL_TIMEFRAME="4h", SIMULATION_DAYS="")

    def same() -> list[dict[str, str]] | None:
        found = levels(cluster)
        said = cluster.answers("/api/signals?symbol=BTC&limit=1")
        signals = [answer["signals"][:1] for answer in said]
        told = [each[0]["signal"] for each in signals if each]
        whole = len(found[0]) == 6 and len(told) == 2
        same = found[0] == found[1] and told == [each["4h"] for each in found]
        return found if whole and same else None

    held: dict[str, Any] = wait_until(same, "the same levels in both")[0]
    leader = cluster.leader()
    # A new leader tells of the levels that it has taken over.
    cluster.redis.command("set", KEPT_BESIDE.format(name=LEVELS), msgpack.packb({}))
    assert cluster.servers[leader].stop() == 0
    wait_until(lambda: cluster.leaders() == [1 - leader], "another leader")
    (now,) = levels(cluster)
    assert {name: now[name] for name in SLOW} == {name: held[name] for name in SLOW}
    wait_until(lambda: told(cluster), "the levels of the new leader")
    assert {name: told(cluster)[name] for name in SLOW} == {name: held[name] for name in SLOW}
