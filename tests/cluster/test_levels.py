"""Levels of several processes: the same in each, and held on by whoever takes over."""

import msgpack

from backend.journal.redis_streams import KEPT_BESIDE, LEVELS
from backend.market.candles import INTERVALS
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
    kept = cluster.redis.command("get", KEPT_BESIDE.format(name=LEVELS))
    return dict(msgpack.unpackb(kept).get("BTC", {})) if kept else {}


def test_every_process_answers_with_the_levels_of_the_one_that_leads(
    start_cluster: StartCluster,
) -> None:
    cluster = start_cluster(2, SYMBOLS="BTC,ETH", SIGNAL_TIMEFRAME="4h", SIMULATION_DAYS="")

    def same() -> dict[str, str] | None:
        # What is not in Redis yet is answered from scores, which are not always the levels.
        held = told(cluster)
        found = levels(cluster)
        answers = cluster.answers("/api/signals?symbol=BTC&limit=1")
        signals = [each["signal"] for answer in answers for each in answer["signals"]]
        whole = len(held) == len(INTERVALS)
        return held if whole and found == [held] * 2 and signals == [held["4h"]] * 2 else None

    held: dict[str, str] = wait_until(same, "the same levels in both")
    leader = cluster.leader()
    # A new leader tells of the levels that it has taken over.
    cluster.redis.command("set", KEPT_BESIDE.format(name=LEVELS), msgpack.packb({}))
    assert cluster.servers[leader].stop() == 0
    wait_until(lambda: cluster.leaders() == [1 - leader], "another leader")
    (now,) = levels(cluster)
    assert {name: now[name] for name in SLOW} == {name: held[name] for name in SLOW}
    wait_until(lambda: told(cluster), "the levels of the new leader")
    assert {name: told(cluster)[name] for name in SLOW} == {name: held[name] for name in SLOW}
