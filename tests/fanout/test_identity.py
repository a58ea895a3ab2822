"""Who a connection is can be the application's decision, and then it is told places."""

import json

import msgpack
import pytest

from tests.fanout.conftest import Echo
from tests.fanout.raw_clients import Poller, WebSocket


def claims(sid: str, grounds: str = "grounds") -> str:
    return json.dumps({"claims": [sid, "private", grounds]})


def test_a_client_is_told_who_it_is_and_the_handler_why(ours: Echo) -> None:
    with WebSocket(ours.url) as client:
        client.receive_until("0")
        client.send("40" + claims("somebody", "because"))
        assert client.receive() == '40{"sid":"somebody","pid":"private"}'
        assert client.receive_until('42["auth"')
        assert client.receive() == '42["grounds","because"]'
        client.send('42["emit-placed","somebody",1,"here"]')
        assert client.receive() == '42["placed",1,"here"]'
        client.send('42["message",1]')
        assert client.receive() == '42["message-back",1]'


def test_an_id_that_somebody_has_is_given_to_nobody_else(ours: Echo) -> None:
    with WebSocket(ours.url) as first, WebSocket(ours.url) as second:
        first.connect(claims("taken"))
        second.receive_until("0")
        second.send("40" + claims("taken"))
        assert second.closed().code == 1002
        first.receive_until('42["grounds"')
        first.send('42["message",1]')
        assert first.receive() == '42["message-back",1]'


def test_a_second_connect_decides_nothing(ours: Echo) -> None:
    with WebSocket(ours.url) as client:
        client.connect()
        client.send("40" + claims("another"))
        assert client.closed().code == 1002
    with WebSocket(ours.url) as client:
        client.connect(claims("another"))


def test_only_those_with_an_identity_are_told_places(ours: Echo) -> None:
    with WebSocket(ours.url) as plain, WebSocket(ours.url) as packed, Poller(ours.url) as poller:
        plain.connect()
        plain.ask("join", "places")
        packed.receive_until("0")
        packed.send(msgpack.packb({"type": 0, "nsp": "/", "data": json.loads(claims("packed"))}))
        join = {"type": 2, "nsp": "/", "data": ["join", "places"], "id": 1}
        packed.send(msgpack.packb(join))
        poller.post("40" + claims("poller"))
        poller.poll_until("42")
        poller.post('421["join","places"]')
        poller.poll_until("431")
        while msgpack.unpackb(packed.receive())["type"] != 3:
            pass
        plain.send('42["emit-placed","places",{"a":1},"here"]')
        assert plain.receive_until('42["placed"') == '42["placed",{"a":1}]'
        assert msgpack.unpackb(packed.receive())["data"] == ["placed", {"a": 1}, "here"]
        assert poller.poll_until('42["placed"')[-1] == '42["placed",{"a":1},"here"]'


def test_the_stock_engine_asks_nobody(engine: str, echo: Echo) -> None:
    if engine != "stock":
        pytest.skip("of the stock engine only")
    with WebSocket(echo.url) as client:
        client.receive_until("0")
        client.send("40" + claims("somebody"))
        told = json.loads(client.receive_until("40")[2:])
        assert set(told) == {"sid"} and told["sid"] != "somebody"
        client.send(f'42["emit-placed","{told["sid"]}",1,"here"]')
        assert client.receive_until('42["placed"') == '42["placed",1]'
