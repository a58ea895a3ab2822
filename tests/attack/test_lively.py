"""Honest clients that are many, or busy, are not taken for attackers."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from benchmarks.load.dialects import subscriber
from benchmarks.load.recording import Recording
from benchmarks.load.swarm import Swarm
from tests.attack.siege import port_of, tokens_of
from tests.fanout.raw_clients import WebSocket
from tests.servers import Server

pytestmark = pytest.mark.served

SUBSCRIPTIONS = 100
TABS = 20
USERS = 200


def assert_all_stream(server: Server, whose: list[str]) -> None:
    """A connection for each of these tokens, from one address, hears what is sent."""
    recording = Recording(b'"market_update"')
    with Swarm(port_of(server)) as swarm:
        swarm.connect([subscriber(token, {"symbols": ["BTC"]}) for token in whose], recording)
        swarm.listen(1.5, recording)
        assert (recording.lost_clients, recording.closes) == (0, [])
    assert set(recording.owners) == set(range(len(whose)))


def test_a_hundred_subscriptions_at_once_are_served(server: Server) -> None:
    symbols = [each["symbol"] for each in server.get("/api/market/symbols").json()["symbols"]]
    with WebSocket(server.url) as client:
        client.receive_until("0")
        client.send("40" + json.dumps({"token": server.token}))
        client.receive_until('42["connection_status"')
        for number in range(SUBSCRIPTIONS):
            chosen = symbols[number % len(symbols) :][:5]
            client.send(f"42{number}" + json.dumps(["subscribe", {"symbols": chosen}]))
        for number in range(SUBSCRIPTIONS):
            answer = json.loads(client.receive_until(f"43{number}[").partition("[")[2][:-1])
            assert "error" not in answer and answer["symbols"]
        for _ in range(2):
            assert len(json.loads(client.receive_until('42["market_update"')[2:])[1]) == len(
                symbols
            )


def test_twenty_tabs_of_one_user_are_served(server: Server) -> None:
    assert_all_stream(server, [server.token] * TABS)


def test_two_hundred_users_behind_one_address_are_served(server: Server) -> None:
    assert_all_stream(server, tokens_of(server, USERS))
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(
            lambda _: server.get("/api/market/quotes?symbols=BTC").status_code, range(USERS)
        )
        assert set(answers) == {200}
