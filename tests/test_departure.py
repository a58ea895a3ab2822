"""Coming and going: when a process is ready, and what becomes of its clients when it ends."""

import json
import signal
import socket
import time
from typing import Any

import pytest
import requests

from backend.config import DEFAULT_SYMBOLS
from tests.conftest import StartServer
from tests.fanout.raw_clients import Closed, Poller, WebSocket
from tests.servers import PATIENCE, ROOT, Server, adjusted, wait_until

HOLDING = ROOT / "tests" / "holding_app.py"
# More than the server answers to a client that does not read, and no more than it may ask for.
UNREAD_ANSWERS = 140


def ready(server: Server) -> tuple[int, str | None]:
    answer = server.get("/ready")
    return answer.status_code, answer.json().get("reason")


def holding(start_server: StartServer, words: str, **options: Any) -> Server:
    """A server that gives back at its end what `tests/holding_app.py` calls by these words."""
    options = {"PYTHONPATH": str(ROOT), **options, "program": HOLDING}
    return start_server(HOLDS=words, **options)


def begin_to_end(server: Server) -> None:
    server.process.terminate()
    wait_until(lambda: "draining" in server.output(), "the server to take the signal")


def test_a_process_that_serves_is_ready(server: Server) -> None:
    assert ready(server) == (200, None)
    assert server.get("/ready").json() == {"status": "ready"}


def test_without_a_market_it_is_not(start_server: StartServer) -> None:
    nobody = "127.0.0.1:9"
    server = start_server(
        MARKET_FEED="binance", BINANCE_WS_URL=f"ws://{nobody}", BINANCE_REST_URL=f"http://{nobody}"
    )
    assert ready(server) == (503, "no_market")


def test_who_ends_accepts_nobody_and_says_so_to_those_who_can_still_ask(
    start_server: StartServer,
) -> None:
    server = holding(start_server, "hangs", WEBSOCKET_AUTH_REQUIRED="false")
    with requests.Session() as session:
        assert session.get(f"{server.url}/ready", timeout=PATIENCE).status_code == 200
        begin_to_end(server)
        host, port = server.url.removeprefix("http://").split(":")

        def refused() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex((host, int(port))) != 0

        answer = session.get(f"{server.url}/ready", timeout=PATIENCE)
        assert (answer.status_code, answer.json()["reason"]) == (503, "draining")
        wait_until(refused, "the listener to be closed")
        assert server.process.wait(PATIENCE) == 0


def test_a_client_that_polls_is_told_at_its_next_poll(start_server: StartServer) -> None:
    server = start_server(WEBSOCKET_AUTH_REQUIRED="false")
    with Poller(server.url) as poller:
        poller.http.headers["Connection"] = "keep-alive"
        poller.post("40")
        poller.poll_until('42["sentiment_update"')
        begin_to_end(server)
        heard = poller.poll_until('42["server_shutdown"')
        assert heard[0].startswith('42["connection_status",{"status":"shutting_down"')
        assert server.process.wait(PATIENCE) == 0


def test_what_waits_for_a_slow_client_is_written_before_the_end(start_server: StartServer) -> None:
    # Nothing is written anew meanwhile, so that what is unread is what was asked for.
    server = start_server(
        WEBSOCKET_AUTH_REQUIRED="false", MARKET_INTERVAL="600", SYMBOLS=DEFAULT_SYMBOLS
    )

    def answered() -> float:
        return server.metric('crs_deliveries_total{event="subscription_confirmed"}')

    def full() -> float:
        before = answered()
        time.sleep(0.2)
        return before if answered() == before else 0.0

    with WebSocket(server.url) as client:
        client.send("40")
        client.receive_until('42["sentiment_update"')
        subscribe = "42" + json.dumps(["subscribe", {"symbols": DEFAULT_SYMBOLS.split(",")}])
        for _ in range(UNREAD_ANSWERS):
            client.send(subscribe)
        written = wait_until(full, "the server to have written all that the client takes")
        begin_to_end(server)
        heard = []
        with pytest.raises(Closed):
            while True:
                heard.append(str(client.receive()))
        assert any(each.startswith('42["server_shutdown",') for each in heard)
        assert sum(each.startswith('42["subscription_confirmed"') for each in heard) >= written
    assert server.process.wait(PATIENCE) == 0


def test_what_is_held_is_given_back_whatever_becomes_of_the_rest(
    start_server: StartServer,
) -> None:
    server = holding(start_server, "hangs,fails,given_back")
    assert server.stop() == 0
    assert (server.log.parent / "given_back").exists()
    assert "OSError: nobody takes it" in server.output()


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once_whatever_holds_the_first(
    first: signal.Signals, start_server: StartServer
) -> None:
    server = holding(start_server, "stuck")
    server.process.send_signal(first)
    wait_until(lambda: "draining" in server.output(), "the server to take the signal")
    server.process.terminate()
    assert server.process.wait(PATIENCE) == -signal.SIGTERM


def test_who_is_stuck_on_the_way_out_ends_all_the_same(start_server: StartServer) -> None:
    server = holding(start_server, "stuck", **adjusted({"backend.server.END_SECONDS": 2}))
    assert server.stop() == 0
