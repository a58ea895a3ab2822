"""Limits as clients meet them: coded, and with when to come again."""

import json

import pytest

from tests.conftest import StartServer
from tests.fanout.raw_clients import Closed, WebSocket
from tests.servers import Server

pytestmark = pytest.mark.served


def accepted(server: Server) -> WebSocket:
    client = WebSocket(server.url)
    client.receive_until("0")
    client.send("40" + json.dumps({"token": server.token}))
    client.receive_until('42["connection_status"')
    return client


def test_an_address_beyond_its_connections_gets_429_before_the_upgrade(
    start_server: StartServer,
) -> None:
    server = start_server(CONNECTIONS_PER_ADDRESS="2")
    with accepted(server), accepted(server), WebSocket(server.url) as refused:
        assert refused.status == 429
        assert int(refused.headers["retry-after"]) > 0
    assert server.metric('crs_refusals_total{limit="connections_per_address"}') == 1


def test_a_user_beyond_its_connections_is_told_and_parted_from(start_server: StartServer) -> None:
    server = start_server(CONNECTIONS_PER_USER="1")
    with accepted(server), WebSocket(server.url) as refused:
        refused.receive_until("0")
        refused.send("40" + json.dumps({"token": server.token}))
        _, error = json.loads(refused.receive_until('42["error"')[2:])
        assert error["code"] == "too_many_connections"
        assert isinstance(refused.closed(), Closed)
    assert server.metric('crs_refusals_total{limit="connections_per_user"}') == 1


def test_events_beyond_the_limit_are_refused_and_who_goes_on_is_closed(
    start_server: StartServer,
) -> None:
    server = start_server(FANOUT_ENGINE="crs")
    with accepted(server) as client:
        client.send('42["subscribe",{"symbols":["BTC"]}]')
        client.receive_until('42["subscription_confirmed"')
        for _ in range(210):
            client.send('42["heartbeat",{}]')
        _, error = json.loads(client.receive_until('42["error"')[2:])
        assert (error["code"], error["event"]) == ("rate_limited", "heartbeat")
        assert error["retry_after_ms"] > 0
        client.send('42["heartbeat",{}]')  # the connection stays
        assert client.receive_until('42["')
        for _ in range(400):
            client.send('42["heartbeat",{}]')
        closed = client.closed()
        assert (closed.code, closed.reason) == (1008, "rate_limited")
    assert server.metric('crs_closed_connections_total{reason="rate_limited"}') == 1
