"""The track record of several processes: one writes it, all answer with it, and one takes over."""

import time
from typing import Any

from tests.cluster.conftest import StartCluster
from tests.cluster.processes import Cluster
from tests.servers import adjusted, wait_until

PATIENCE_SECONDS = 240
# A process reads what another has written of the record twice in a second.
READ_SOON = adjusted({"backend.assembly.market_calls.REFRESH_SECONDS": 0.5})


def counted(cluster: Cluster) -> list[list[int]]:
    """Of each process, how many signals of each level and horizon it knows."""
    time.sleep(0.5)  # not more often than it is let in
    answers = cluster.answers("/api/signals/record?symbol=BTC&timeframe=5m&window=all")
    return [[row["count"] for row in answer["record"]] for answer in answers]


def test_every_process_answers_with_the_record_that_one_writes(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, **READ_SOON, SYMBOLS="BTC,ETH")

    def same() -> Any:
        first, second = counted(cluster)
        return first if first == second and sum(first) else None

    before = wait_until(same, "a record in both", PATIENCE_SECONDS)
    leader = cluster.leader()
    assert cluster.servers[leader].stop() == 0
    wait_until(lambda: cluster.leaders() == [1 - leader], "another leader")
    (after,) = counted(cluster)
    assert all(now >= then for now, then in zip(after, before, strict=True))
