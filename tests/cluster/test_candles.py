"""Candles of every process are what its REST face answers."""

import time
from pathlib import Path

from backend.clock import DAY_MS, MINUTE_MS
from backend.market.candles import INTERVALS
from backend.streaming.candle_stream import LOOK_SECONDS
from tests.cluster.conftest import StartCluster
from tests.conftest import Connect
from tests.following import Chart
from tests.servers import Server, wait_until

# A day and an hour, over the end of a day, 60 minutes a second: as many as REST answers with, and
# the clients are there for most of them on a machine that is four times as slow.
MINUTES, SPEED = 1_500, 3_600


def recording(folder: Path) -> Path:
    """Minutes of BTC."""
    begin_ms = 20_000 * DAY_MS - MINUTES // 2 * MINUTE_MS
    lines = [
        f"{begin_ms + number * MINUTE_MS},{price},{price + 2},{price - 2},{price + 1},{number}"
        for number in range(MINUTES)
        for price in [100 + number % 37]
    ]
    path = folder / "BTC-1m.csv"
    path.write_text("\n".join(["open_time_ms,open,high,low,close,volume", *lines]))
    return path


def test_each_process_says_what_its_rest_answers(
    start_cluster: StartCluster, connect: Connect, tmp_path: Path
) -> None:
    cluster = start_cluster(
        2, MARKET_FEED=f"replay:{recording(tmp_path)}", REPLAY_SPEED=str(SPEED), SYMBOLS="BTC"
    )
    charts = []
    for server in cluster.servers:
        client = connect(to=server)
        charts.append(Chart(server, client, ["BTC"]))
        client.ack("subscribe", {"symbols": ["BTC"], "candles": list(INTERVALS)})
        charts[-1].load()
    for chart, server in zip(charts, cluster.servers, strict=True):

        def ended(server: Server = server) -> bool:
            return bool(server.get("/health").json()["feed"]["state"] == "ended")

        def equal(chart: Chart = chart) -> bool:
            time.sleep(LOOK_SECONDS)  # public calls are limited, and each look makes six
            return not chart.differences()

        wait_until(ended, "the end of the recording")
        wait_until(equal, "events that say what REST does")
        assert chart.faults == []
        assert chart.events > 20
