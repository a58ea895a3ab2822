"""Candles on the stream: REST's answer at the subscription and all events since are REST's."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import socketio.exceptions

from backend.market.candles import INTERVALS
from tests.cable import Cable
from tests.conftest import Connect, StartServer
from tests.following import Chart
from tests.servers import ROOT, Server, wait_until
from tests.stream_clients import PythonClient

SYMBOLS = ("BTC", "ETH")
WISH = {"symbols": list(SYMBOLS), "candles": list(INTERVALS)}
CUTS = [20, pytest.param(1_000, marks=pytest.mark.soak)]


@pytest.fixture
def quick(start_server: StartServer, tmp_path: Path) -> Server:
    """A server whose minutes are over quickly."""
    recording = tmp_path / "nothing.csv"
    recording.write_text("")
    return start_server(
        program=ROOT / "tests" / "quick_market_app.py",
        PYTHONPATH=str(ROOT),
        MARKET_FEED=f"replay:{recording}",
        SYMBOLS=",".join(SYMBOLS),
    )


@pytest.fixture
def cable(quick: Server) -> Iterator[Cable]:
    carrier = Cable(int(quick.url.rsplit(":", 1)[1]))
    yield carrier
    carrier.close()


def subscribed(client: PythonClient) -> bool:
    """Subscribe; whether that is confirmed before the connection is cut."""
    with suppress(socketio.exceptions.SocketIOError):
        client.emit("subscribe", WISH)
    answered = ("subscription_confirmed", "disconnect")
    wait_until(lambda: any(map(client.all, answered)), "the confirmation, or the cut")
    return bool(client.all("subscription_confirmed"))


def follow(server: Server, cable: Cable, rng: random.Random) -> bool:
    """Follow all series until the cable is cut; whether they were compared with REST before."""
    client = PythonClient(cable.url, {"token": server.token})
    chart = Chart(server, client, SYMBOLS)
    # Some are cut while they ask.
    early = threading.Timer(rng.uniform(0, 0.05), cable.cut)
    if rng.random() < 0.2:
        early.start()
    if subscribed(client):
        chart.load()
    compared = not early.is_alive() and not client.all("disconnect")
    if compared:
        time.sleep(rng.uniform(0, 0.5))
        server.post("/rest")
        wait_until(lambda: not chart.differences(), "events that say what REST does")
        server.post("/play")
        time.sleep(rng.uniform(0, 0.3))
    early.cancel()
    cable.cut()
    client.wait("disconnect")
    client.close()
    assert chart.faults == []
    return compared


@pytest.mark.parametrize("cuts", CUTS)
def test_through_random_cuts_rest_and_events_are_rest_again(
    cuts: int, quick: Server, cable: Cable
) -> None:
    rng = random.Random(cuts)
    compared = sum(follow(quick, cable, rng) for _ in range(cuts))
    assert compared > cuts / 2


def test_candles_come_at_once_and_as_long_as_they_are_wished(
    quick: Server, connect: Connect
) -> None:
    client = connect(to=quick)
    client.emit("subscribe", {"symbols": ["BTC"], "candles": ["1m", "1h"]})
    first = [client.wait("candle") for _ in range(2)]
    assert [(event["interval"], event["closed"]) for event in first] == [
        ("1m", False),
        ("1h", False),
    ]
    # One that closed before may be repaired first.
    closed = client.wait("candle", lambda event: event["closed"] and event["revision"] == 1)
    assert closed["interval"] == "1m"
    client.ack("subscribe", {"symbols": ["ETH"]})
    client.wait("candle", lambda event: (event["symbol"], event["interval"]) == ("ETH", "1h"))
    answer = client.ack("subscribe", {"symbols": [], "candles": ["1m", "2m"]})
    assert answer["error"]["code"] == "invalid_candles"
    client.wait("candle", lambda event: event["interval"] == "1h")
    client.ack("subscribe", {"symbols": [], "candles": []})
    before = len(client.all("candle"))
    other = connect(to=quick)
    other.emit("subscribe", WISH)
    for _ in range(30):
        other.wait("candle")
    assert len(client.all("candle")) == before
