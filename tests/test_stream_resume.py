"""A client that comes back is sent what it has missed, or told that this is not known."""

from typing import Any

import pytest

from tests.conftest import Connect, StartServer
from tests.servers import Server
from tests.stream_clients import said

SYMBOLS = ["BTC", "ETH"]


@pytest.fixture
def talkative(start_server: StartServer) -> Server:
    """A server that says something to everybody five times a second."""
    return start_server(SENTIMENT_INTERVAL="0.2", SIGNAL_INTERVAL="0.2")


def place_of(confirmed: dict[str, Any], offset: int | None = None) -> dict[str, Any]:
    return {
        "epoch": confirmed["epoch"],
        "offset": confirmed["offset"] if offset is None else offset,
    }


@pytest.mark.parametrize("stack", ["python", "node"])
def test_what_was_missed_comes_once_and_in_order(
    stack: str, talkative: Server, connect: Connect
) -> None:
    witness, client = connect(to=talkative), connect(stack, to=talkative)
    for each in (witness, client):
        each.emit("subscribe", {"symbols": SYMBOLS})
    confirmed = client.wait("subscription_confirmed")
    assert "recovered" not in confirmed
    last = client.wait("sentiment_update")["offset"]
    client.close()
    witness.wait("sentiment_update", lambda update: update["offset"] > last + 5)

    again = connect(stack, to=talkative)
    at_once = again.wait("sentiment_update")
    again.emit("subscribe", {"symbols": SYMBOLS, "resume": place_of(confirmed, last)})
    resumed = again.wait("subscription_confirmed")
    assert (resumed["recovered"], resumed["offset"]) == (True, last)
    newest = again.wait("sentiment_update", lambda update: update["offset"] > last + 10)
    witness.wait("sentiment_update", lambda update: update["offset"] >= newest["offset"])

    # The sentiment that every connection begins with is among what was missed.
    since = again.heard[again.heard.index(("subscription_confirmed", (resumed,))) :]
    heard = said(since, last, newest["offset"])
    assert heard == said(witness.heard, last, newest["offset"])
    assert at_once in heard


def test_a_place_of_another_start_is_answered_with_a_snapshot(
    talkative: Server, connect: Connect
) -> None:
    talkative.wait_for_signals(SYMBOLS)
    client = connect(to=talkative)
    client.emit("subscribe", {"symbols": SYMBOLS, "resume": {"epoch": "another", "offset": 1}})
    confirmed = client.wait("subscription_confirmed")
    assert confirmed["recovered"] is False
    assert set(client.wait("market_update")) == set(SYMBOLS)
    snapshot = [client.wait("trading_signal") for _ in SYMBOLS]
    assert sorted(signal["symbol"] for signal in snapshot) == SYMBOLS
    assert all(signal["offset"] <= confirmed["offset"] for signal in snapshot)
    client.emit("subscribe", {"symbols": SYMBOLS, "resume": place_of(confirmed)})
    assert client.wait("subscription_confirmed")["recovered"] is True
