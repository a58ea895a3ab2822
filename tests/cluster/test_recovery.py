"""A stock JavaScript client gets its connection back from another process than it had it from."""

from backend.journal.redis_recoveries import KEY
from tests.cluster.conftest import StartCluster
from tests.cluster.processes import Cluster
from tests.conftest import Connect
from tests.recovering import Asking, Asks, asking, last_heard, own_engine, subscribed
from tests.servers import Server, wait_until
from tests.stream_clients import said


@own_engine
def test_a_connection_comes_back_on_another_process(three: Cluster, connect: Connect) -> None:
    come_back(three, connect, killed=False)


@own_engine
def test_a_connection_comes_back_when_its_process_was_killed(
    start_cluster: StartCluster, connect: Connect
) -> None:
    come_back(start_cluster(3), connect, killed=True)


def come_back(cluster: Cluster, connect: Connect, *, killed: bool) -> None:
    """A client whose connection is cut, or whose process is killed, goes to another process, and
    on to a third and back, and has missed nothing."""
    token = cluster.servers[0].token
    witness = connect(auth={"token": token}, to=cluster.servers[2])
    witness.emit("subscribe", {"symbols": ["BTC", "ETH"]})
    witness.wait("subscription_confirmed")
    client = connect("node", auth=asking(token), to=cluster.servers[0])
    before = subscribed(client)
    begun = client.all("subscription_confirmed")[0]["offset"]
    for number in (1, 2, 1):
        if killed and number == 1 and cluster.servers[0].process.poll() is None:
            # A change of the last milliseconds may end with its process.
            key = KEY + before["pid"]
            wait_until(
                lambda key=key: b"ETH" in (cluster.redis.command("hget", key, "state") or b""),
                "its subscription to be kept",
            )
            cluster.kill(0)
            client.wait("disconnect")
        else:
            client.cut()
        last = last_heard(client)
        witness.wait("sentiment_update", lambda told, at=last: told["offset"] > at + 4)
        after = client.come_back(cluster.servers[number].url)
        assert after == {**before, "recovered": True}
        client.wait("sentiment_update", lambda told, *_, at=last: told["offset"] > at + 6)
        client.wait("price_update")
    newest = last_heard(client)
    witness.wait("sentiment_update", lambda told: told["offset"] > newest)
    assert said(client.heard, begun, newest) == said(witness.heard, begun, newest)
    assert len(client.all("subscription_confirmed")) == 1


@own_engine
def test_what_is_left_of_it_on_the_other_process_ends(three: Cluster, asks: Asks) -> None:
    one, other, _ = three.servers
    token = one.token

    def go(to: Server, client: Asking) -> Asking:
        shown = client.shown()
        key = KEY + shown["pid"]
        wait_until(lambda: three.redis.command("exists", key), "its state to be kept")
        again = asks(to, token, **shown)
        assert again.told == client.told
        assert "41" in client.receive_until_closed()
        return again

    first = asks(one, token)
    go(other, go(one, go(other, first))).place()
