"""A stock JavaScript client gets its connection back from another process than it had it from."""

import pytest

from backend.journal.redis_recoveries import KEY
from tests.cluster.conftest import StartCluster
from tests.conftest import Connect
from tests.recovering import Asking, Asks, asking, last_heard, own_engine, subscribed
from tests.servers import Server, wait_until
from tests.stream_clients import said


@own_engine
@pytest.mark.parametrize("killed", [False, True])
def test_a_connection_comes_back_on_another_process(
    killed: bool, start_cluster: StartCluster, connect: Connect
) -> None:
    cluster = start_cluster(3)
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
def test_what_is_left_of_it_on_the_other_process_ends(
    start_cluster: StartCluster, asks: Asks
) -> None:
    cluster = start_cluster(2)
    one, other = cluster.servers
    token = one.token

    def come_back(to: Server, client: Asking) -> Asking:
        shown = client.shown()
        key = KEY + shown["pid"]
        wait_until(lambda: cluster.redis.command("exists", key), "its state to be kept")
        again = asks(to, token, **shown)
        assert again.told == client.told
        assert "41" in client.receive_until_closed()
        return again

    first = asks(one, token)
    come_back(other, come_back(one, come_back(other, first))).place()
