"""Hundreds of clients of all kinds, behind the proxy and on several processes, hear one stream."""

import random

import pytest

from backend.config import DEFAULT_SYMBOLS
from tests.cluster.conftest import StartCluster
from tests.cluster.crowd import Crowd, Heard, Said, Tick
from tests.cluster.ticks import Numbers, assert_alike, left_out
from tests.conftest import Connect
from tests.stream_clients import PythonClient

ALL = DEFAULT_SYMBOLS.split(",")
# In each basket: its numbers tell when a tick was.
COMMON = ALL[0]


class Witness:
    """A client of one process that has all symbols."""

    def __init__(self, client: PythonClient) -> None:
        self._client = client
        client.emit("subscribe", {"symbols": ALL})
        client.wait("sentiment_update")
        client.wait("market_update")

    def ticks(self) -> list[Tick]:
        updates = self._client.all("market_update")
        return [{s: [q["seq"], q["price"]] for s, q in update.items()} for update in updates]

    def said(self) -> list[Said]:
        told = [
            args[0]
            for event, args in list(self._client.heard)
            if event in ("trading_signal", "sentiment_update")
        ]
        return [[each["offset"], each.get("id"), each.get("symbol")] for each in told]

    def now(self) -> tuple[int, int]:
        """The common symbol's number, and the offset, of what it has heard last."""
        newest = self._client.all("market_update")[-1][COMMON]["seq"]
        return newest, self._client.all("sentiment_update")[-1]["offset"]

    def wait_for_tick(self, seq: int) -> None:
        """Wait for the next tick of that number of the common symbol, or a later one."""
        self._client.wait("market_update", lambda told: told[COMMON]["seq"] >= seq)

    def wait_for_sentiment(self, offset: int) -> None:
        self._client.wait("sentiment_update", lambda told: told["offset"] >= offset)


def within(after: tuple[int, int], until: tuple[int, int], ticks: list[Tick]) -> list[Tick]:
    """The ticks between two moments, as `Witness.now` has them."""
    return [tick for tick in ticks if after[0] < tick[COMMON][0] < until[0]]


def all_are_heard(ticks: list[Tick], each: Heard, heard: list[Tick]) -> bool:
    """Whether a client has heard what there was for it in these ticks of a process."""
    due = [{symbol: tick[symbol] for symbol in each.symbols} for tick in ticks]
    if each.transport == "polling":
        # Between two polls the latest tick takes the place of the one before it.
        rest = iter(due)
        return all(tick in rest for tick in heard)
    return heard == due


def numbers_of(tick: Tick) -> Numbers:
    return tuple((symbol, int(seq), price) for symbol, (seq, price) in sorted(tick.items()))


@pytest.mark.parametrize(
    ("clients", "interval", "ticks"),
    [
        pytest.param(30, "0.4", 10, id="30"),
        pytest.param(600, "2", 30, id="600", marks=pytest.mark.soak),
    ],
)
def test_each_hears_its_symbols_in_every_tick_once_and_all_hear_the_same(
    clients: int, interval: str, ticks: int, start_cluster: StartCluster, connect: Connect
) -> None:
    cluster = start_cluster(
        3,
        proxied=True,
        MARKET_INTERVAL=interval,
        SENTIMENT_INTERVAL=interval,
        SIGNAL_INTERVAL=interval,
        SYMBOLS=DEFAULT_SYMBOLS,
    )
    witnesses = [Witness(connect(to=server)) for server in cluster.servers]
    rng = random.Random(3)
    baskets = [[COMMON, *rng.sample(ALL[1:], rng.randint(1, 9))] for _ in range(clients)]
    late = left_out(cluster)
    with Crowd(cluster.url, {"token": cluster.servers[0].token}, baskets) as crowd:
        homes = [server.get("/health").json()["connections"] for server in cluster.servers]
        assert sum(homes) == clients + len(witnesses)
        assert min(homes) > 1, f"some process has nobody: {homes}"
        # With their snapshots clients have what came after the tick before.
        newest, _ = witnesses[0].now()
        for _ in range(2):
            witnesses[0].wait_for_tick(newest + 1)
        numbers, offsets = zip(*(witness.now() for witness in witnesses), strict=True)
        after = max(numbers), max(offsets)
        for _ in range(ticks):
            witnesses[0].wait_for_tick(witnesses[0].now()[0] + 1)
        until = witnesses[0].now()
        for witness in witnesses[1:]:
            witness.wait_for_tick(until[0])
            witness.wait_for_sentiment(until[1])
        crowd.wait_until(COMMON, *until)
        heard = crowd.leave()
        late = left_out(cluster, late)
    assert [fault for each in heard for fault in each.trouble] == []
    told = [within(after, until, witness.ticks()) for witness in witnesses]
    assert len(told[0]) > ticks / 2
    assert_alike([map(numbers_of, each) for each in told], late)
    said = [each for each in witnesses[0].said() if after[1] < each[0] <= until[1]]
    for each in heard:
        mine = within(after, until, each.ticks)
        # Of the process that it is at, whichever that is.
        assert any(all_are_heard(ticks_there, each, mine) for ticks_there in told)
        assert [entry for entry in each.said if after[1] < entry[0] <= until[1]] == [
            entry for entry in said if entry[2] is None or entry[2] in each.symbols
        ]
    polled = [
        len(within(after, until, each.ticks)) for each in heard if each.transport == "polling"
    ]
    assert sum(polled) > len(polled) * len(told[0]) / 2
