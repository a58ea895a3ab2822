"""A stock JavaScript client gets its connection back from another process than it had it from."""

import pytest

from tests.cluster.conftest import StartCluster
from tests.conftest import Connect
from tests.stream_clients import said
from tests.test_recovery import asking, last_heard, own_engine, subscribed


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
