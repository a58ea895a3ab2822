"""A symbol that is added at any process is served by all, whoever leads and whatever happens."""

from tests.cluster.conftest import StartCluster
from tests.conftest import Connect
from tests.servers import Server, wait_until
from tests.stream_clients import Recorder
from tests.symbol_calls import add, served


def has_history(server: Server, symbol: str) -> bool:
    if symbol not in served(server):
        return False
    answer = server.get(f"/api/market/candles?symbol={symbol}&limit=1500").json()
    return len(answer["candles"]) > 1_000


def has_heard(client: Recorder, symbol: str) -> bool:
    """Whether the client has been sent a quote and a signal of the symbol."""
    return any(symbol in quotes for quotes in client.all("market_update")) and any(
        signal["symbol"] == symbol for signal in client.all("trading_signal")
    )


def test_a_symbol_added_at_a_follower_is_served_by_all_and_outlives_its_leader(
    start_cluster: StartCluster, connect: Connect
) -> None:
    cluster = start_cluster(3, SYMBOLS="BTC,ETH")
    leader = cluster.leader()
    followers = [number for number in range(3) if number != leader]
    watcher = connect(to=cluster.servers[leader])
    watcher.ack("subscribe", {"symbols": ["BTC"]})
    assert add(cluster.servers[followers[0]], "SUI").status_code == 201
    clients = [connect(to=server) for server in cluster.servers]
    for server, client in zip(cluster.servers, clients, strict=True):
        wait_until(lambda server=server: "SUI" in served(server), "every process to serve it")
        client.ack("subscribe", {"symbols": ["SUI"]})
        # In any order: where there is no quote yet, a signal may be said before the next tick.
        wait_until(lambda client=client: has_heard(client, "SUI"), "its quote and its signal")
        wait_until(lambda server=server: has_history(server, "SUI"), "its candles everywhere")
    assert add(cluster.servers[followers[1]], "SUI").status_code == 200
    ticks = [quotes["BTC"]["seq"] for quotes in watcher.all("market_update")]
    assert ticks == sorted(ticks)

    cluster.kill(leader)
    other = cluster.servers[followers[0]]
    before = other.get("/api/market/quotes?symbols=SUI").json()["quotes"]["SUI"]["seq"]
    wait_until(
        lambda: other.get("/api/market/quotes?symbols=SUI").json()["quotes"]["SUI"]["seq"] > before,
        "the next leader to go on with it",
    )
    # While nobody could hear: added, and the process that took it is gone at once.
    assert add(other, "TON").status_code == 201
    cluster.kill(followers[0])
    last = cluster.servers[followers[1]]
    wait_until(lambda: has_history(last, "TON"), "the last one to serve both")
    cluster.restart(leader)
    assert served(cluster.servers[leader]) == ["BTC", "ETH", "SUI", "TON"]
    wait_until(lambda: has_history(cluster.servers[leader], "SUI"), "who comes back to have it")
