"""A change of exchange is one change for the clients of every process, and no move of a price."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from backend.market.candles import INTERVALS
from tests.cluster.conftest import StartCluster
from tests.cluster.processes import Cluster
from tests.conftest import Connect
from tests.feeds.exchange_binance import BINANCE
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.sample_frames import PRICES, sample_frames
from tests.feeds.test_failover import DEAR_KRAKEN, PREMIUM
from tests.servers import adjusted, wait_until
from tests.stream_clients import PythonClient

# One that is silent is out, and one that is back has proved itself, after five seconds.
SOON_CHANGED = adjusted(
    {"backend.feeds.understudy.OUT_AFTER_S": 5, "backend.feeds.failover.PROVEN_S": 5}
)
# What separates the two exchanges; neither moves as far by itself.
BETWEEN = (1 + PREMIUM) / 2
LARGEST_MOVE = (PREMIUM - 1) / 5
# Public calls are limited, and each look makes as many as there are series and processes.
LOOK_SECONDS = 1.0


@pytest.fixture
def exchanges() -> Iterator[tuple[ExchangeServer, ExchangeServer]]:
    """Binance and a Kraken whose prices are a tenth higher, which play by themselves."""
    with ExitStack() as stack:
        binance, kraken = (
            stack.enter_context(
                ExchangeServer(sample_frames(60.0, dialect=dialect), 6.0, dialect=dialect)
            )
            for dialect in (BINANCE, DEAR_KRAKEN)
        )
        yield binance, kraken


def is_of(name: str, symbol: str, price: float) -> bool:
    return (price > BETWEEN * PRICES[symbol]) is (name == "kraken")


def told_by(name: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a tick has every symbol's quote of this exchange."""

    def told(update: dict[str, Any]) -> bool:
        return all(
            quote["source"] == name and is_of(name, symbol, quote["price"])
            for symbol, quote in update.items()
        )

    return told


def closed_candles(cluster: Cluster, symbol: str, interval: str) -> list[list[dict[str, Any]]]:
    answers = cluster.answers(f"/api/market/candles?symbol={symbol}&interval={interval}&limit=1500")
    return [answer["candles"][:-1] for answer in answers]


def all_are_of(name: str, cluster: Cluster) -> bool:
    """Whether both processes have the same candles, a day of minutes, and all of one exchange."""
    time.sleep(LOOK_SECONDS)
    for symbol in PRICES:
        for interval in INTERVALS:
            one, other = closed_candles(cluster, symbol, interval)
            if one != other or not all(is_of(name, symbol, candle["close"]) for candle in one):
                return False
            if interval == "1m" and len(one) < 700:
                return False
    return True


def led_by(name: str, cluster: Cluster, clients: list[PythonClient]) -> None:
    """Wait until every client has heard quotes of this exchange alone."""
    for client in clients:
        client.wait("market_update", told_by(name))
    wait_until(lambda: all_are_of(name, cluster), f"candles of {name}, the same on both")
    for answer in cluster.answers("/health"):
        assert answer["feed"]["name"] == name


def test_the_clients_of_all_processes_go_over_together_and_back(
    exchanges: tuple[ExchangeServer, ExchangeServer], start_cluster: StartCluster, connect: Connect
) -> None:
    binance, kraken = exchanges
    cluster = start_cluster(
        2,
        **SOON_CHANGED,
        MARKET_FEED="binance,kraken",
        SYMBOLS=",".join(PRICES),
        BINANCE_WS_URL=binance.ws_url,
        BINANCE_REST_URL=binance.rest_url,
        KRAKEN_WS_URL=kraken.ws_url,
        KRAKEN_REST_URL=kraken.rest_url,
    )
    clients = [connect(to=server) for server in cluster.servers]
    for client in clients:
        client.ack("subscribe", {"symbols": list(PRICES), "realtime": True})
    led_by("binance", cluster, clients)

    binance.refusals = [503] * 100_000
    binance.stall()
    for client in clients:
        client.wait(
            "connection_status",
            lambda told: (told["status"], told["feed"]) == ("feed_changed", "kraken"),
        )
    led_by("kraken", cluster, clients)

    binance.refusals = []
    for client in clients:
        client.wait(
            "connection_status",
            lambda told: (told["status"], told["feed"]) == ("feed_changed", "binance"),
        )
    led_by("binance", cluster, clients)

    for client in clients:
        for update in client.all("price_update"):
            assert abs(update["price"] / update["previous_price"] - 1) < LARGEST_MOVE, update
        for update in client.all("market_update"):
            for quote in update.values():
                assert abs(quote["change_24h"]) < 100 * LARGEST_MOVE, quote
        changes = [
            told["feed"]
            for told in client.all("connection_status")
            if told["status"] == "feed_changed"
        ]
        assert changes == ["kraken", "binance"]
