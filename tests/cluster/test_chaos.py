"""Nothing that was said is lost or doubled, whatever happens to processes and to Redis."""

import random
import time

import pytest

from tests.cluster.conftest import StartCluster
from tests.cluster.processes import Cluster, Truth
from tests.cluster.roamer import Roamer

SYMBOLS = ["BTC", "ETH", "ADA", "SOL", "DOT", "LINK"]


def hang(truth: Truth, cluster: Cluster, seconds: float) -> None:
    cluster.redis.hang()
    time.sleep(seconds)
    cluster.redis.resume()


def stop(truth: Truth, cluster: Cluster, seconds: float) -> None:
    truth.stop_redis()
    time.sleep(seconds)
    cluster.redis.start()


def flush(truth: Truth, _cluster: Cluster, _seconds: float) -> None:
    truth.flush_redis()


def a_few_seconds(rng: random.Random) -> float:
    return rng.uniform(0.5, 4.0)


@pytest.mark.parametrize(
    ("seconds", "each_s", "outage_s"),
    [
        pytest.param(20.0, 6.0, 3.0, id="20 s"),
        pytest.param(300.0, 20.0, 10.0, id="5 min", marks=pytest.mark.soak),
    ],
)
def test_every_client_has_every_signal_once_and_in_order(
    seconds: float,
    each_s: float,
    outage_s: float,
    start_cluster: StartCluster,
    truth: Truth,
) -> None:
    cluster = start_cluster(3, SYMBOLS=",".join(SYMBOLS))
    token, urls = cluster.servers[0].token, [server.url for server in cluster.servers]
    rng = random.Random(1)
    roamers = [
        Roamer(urls, token, rng.sample(SYMBOLS, 3), seed, a_few_seconds if seed % 3 else None)
        for seed in range(12)
    ]
    deadline = time.monotonic() + seconds
    troubles = [hang, stop, flush]
    killed = 0
    while troubles or time.monotonic() < deadline:
        time.sleep(each_s / 2)
        # The leader, as often as not.
        numbers = cluster.leaders() if killed % 2 == 0 else cluster.alive()
        if numbers:
            number = rng.choice(numbers)
            cluster.kill(number)
            time.sleep(each_s / 4)
            cluster.restart(number)
            killed += 1
        if troubles:
            troubles.pop(0)(truth, cluster, outage_s)
    cluster.wait_until_whole()
    time.sleep(3)
    for roamer in roamers:
        roamer.close()
    truth.read()
    heard = sum(len(stretch.offsets) for roamer in roamers for stretch in roamer.stretches)
    assert heard > 20 * len(roamers)
    assert "\n".join(fault for roamer in roamers for fault in roamer.faults(truth)) == ""
    assert sum(roamer.resumed[True] for roamer in roamers) > len(roamers)
    assert killed >= 3 and not troubles
