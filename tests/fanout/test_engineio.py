"""The Engine.IO protocol, version 4, as its published description and test suite ask for it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests

from tests.fanout.conftest import Echo, StartEcho
from tests.fanout.raw_clients import (
    Closed,
    Poller,
    WebSocket,
)

HANDSHAKE_KEYS = {"sid", "upgrades", "pingInterval", "pingTimeout", "maxPayload"}


def get(echo: Echo, query: str, method: str = "GET") -> requests.Response:
    return requests.request(method, f"{echo.url}/socket.io/?{query}", timeout=30)


# --- handshake ------------------------------------------------------------------------------------


def test_a_polling_session_opens(echo: Echo) -> None:
    with Poller(echo.url) as poller:
        assert set(poller.opened) == HANDSHAKE_KEYS
        assert poller.opened["upgrades"] == ["websocket"]
        assert (poller.opened["pingInterval"], poller.opened["pingTimeout"]) == (25_000, 20_000)
        assert poller.opened["maxPayload"] == 16_384


def test_a_websocket_session_opens(echo: Echo) -> None:
    with WebSocket(echo.url) as socket:
        opened = json.loads(socket.receive_until("0")[1:])
        assert set(opened) == HANDSHAKE_KEYS
        assert opened["upgrades"] == []


@pytest.mark.parametrize(
    ("query", "method"),
    [
        ("transport=polling", "GET"),
        ("EIO=abc&transport=polling", "GET"),
        ("EIO=3&transport=polling", "GET"),
        ("EIO=4&transport=abc", "GET"),
        ("EIO=4&transport=polling", "POST"),
        ("EIO=4&transport=polling", "PUT"),
        ("EIO=4&transport=polling&sid=unknown", "GET"),
        ("EIO=4&transport=polling&sid=unknown", "POST"),
        ("EIO=4&transport=websocket", "GET"),
    ],
)
def test_a_bad_request_is_refused(query: str, method: str, echo: Echo) -> None:
    answer = get(echo, query, method)
    assert answer.status_code in (400, 405)
    assert "Traceback" not in answer.text


@pytest.mark.usefixtures("departs")
@pytest.mark.parametrize(
    ("query", "method", "code"),
    [
        ("EIO=4", "GET", 0),
        ("EIO=4&transport=abc", "GET", 0),
        ("EIO=4&transport=polling&sid=unknown", "GET", 1),
        ("EIO=4&transport=polling", "POST", 2),
        ("EIO=4&transport=polling", "PUT", 2),
        ("EIO=3&transport=polling", "GET", 5),
    ],
)
def test_a_refusal_has_the_code_of_the_protocol(
    query: str, method: str, code: int, echo: Echo
) -> None:
    answer = get(echo, query, method)
    assert answer.status_code == 400
    assert answer.json()["code"] == code
    assert answer.json()["message"]


@pytest.mark.parametrize("query", ["transport=websocket", "EIO=4&transport=abc"])
def test_a_bad_websocket_request_is_refused(query: str, echo: Echo) -> None:
    with WebSocket(echo.url, query) as socket:
        assert socket.status == 400


# --- messages -------------------------------------------------------------------------------------


@contextmanager
def waiting_poll(poller: Poller) -> Iterator[list[requests.Response]]:
    """A poll that waits while the block runs; afterwards the list holds its answer."""
    answers: list[requests.Response] = []
    query = f"{poller.url}/socket.io/?{poller.query}"
    thread = threading.Thread(target=lambda: answers.append(requests.get(query, timeout=30)))
    thread.start()
    time.sleep(0.2)
    yield answers
    thread.join()


def test_packets_go_and_come_over_polling(echo: Echo) -> None:
    with Poller(echo.url) as poller:
        poller.connect()
        events = [f'42["message",{number}]' for number in range(5)]
        assert poller.post(*events).text.lower() == "ok"
        heard = poller.poll_until('42["message-back",4]')
        assert [p for p in heard if "back" in p] == [f'42["message-back",{n}]' for n in range(5)]


@pytest.mark.usefixtures("departs")
def test_a_post_may_hold_as_many_packets_as_fit(echo: Echo) -> None:
    with Poller(echo.url) as poller:
        poller.connect()
        events = [f'42["message",{number}]' for number in range(100)]
        assert poller.post(*events).status_code == 200
        heard = poller.poll_until('42["message-back",99]')
        assert [p for p in heard if "back" in p] == [f'42["message-back",{n}]' for n in range(100)]


def test_a_binary_packet_goes_and_comes_over_polling(echo: Echo) -> None:
    with Poller(echo.url) as poller:
        poller.connect()
        event = '451-["message",{"_placeholder":true,"num":0}]'
        assert poller.post(event, "bAQIDBA==").status_code == 200
        heard = poller.poll_until("b")
        assert heard[-2:] == [event.replace("message", "message-back"), "bAQIDBA=="]


def test_a_poll_waits_for_what_comes(echo: Echo) -> None:
    with Poller(echo.url) as poller, Poller(echo.url) as other:
        poller.connect()
        answers: list[list[str]] = []
        thread = threading.Thread(target=lambda: answers.append(poller.poll()))
        thread.start()
        time.sleep(0.1)
        assert other.post("40").status_code == 200
        # Posts of a session are its own; this one answers the poll that waits.
        requests.post(
            f"{poller.url}/socket.io/?{poller.query}", data=b'42["message",1]', timeout=30
        )
        thread.join()
        assert answers == [['42["message-back",1]']]


@pytest.mark.usefixtures("departs")
@pytest.mark.parametrize("body", ["abc", "9", "", "2", "5", "b!", "4"])
def test_a_malformed_post_ends_the_session(body: str, echo: Echo) -> None:
    with Poller(echo.url) as poller:
        assert poller.post(body).status_code == 400 or body == "4"
        assert poller.request("GET").status_code == 400


@pytest.mark.usefixtures("departs")
@pytest.mark.parametrize("packet", ["abc", "9", "", "2", "0", "1x"])
def test_a_malformed_packet_closes_the_websocket(packet: str, echo: Echo) -> None:
    with WebSocket(echo.url) as socket:
        socket.receive_until("0")
        socket.send(packet)
        assert socket.closed().code == 1002


@pytest.mark.usefixtures("departs")
def test_two_polls_at_once_end_the_session(echo: Echo) -> None:
    with Poller(echo.url) as poller:
        poller.connect()
        with waiting_poll(poller) as answers:
            assert poller.request("GET").status_code == 400
        assert (answers[0].status_code, answers[0].text) == (200, "1")
        assert poller.request("GET").status_code == 400


@pytest.mark.usefixtures("departs")
def test_a_post_beyond_the_limit_is_refused_at_once(echo: Echo) -> None:
    with Poller(echo.url) as poller:
        started = time.monotonic()
        assert poller.post("4" + "x" * 20_000).status_code in (400, 413)
        assert poller.request("GET").status_code == 400
        assert time.monotonic() - started < 10


# --- heartbeat ------------------------------------------------------------------------------------


def test_the_server_pings_and_keeps_who_answers(engine: str, start_echo: StartEcho) -> None:
    echo = start_echo(engine=engine, ping_interval=0.3, ping_timeout=2.0)
    with WebSocket(echo.url) as socket, Poller(echo.url) as poller:
        socket.receive_until("0")
        socket.send("40")
        poller.post("40")
        poller.poll_until('42["auth"')
        for _ in range(4):
            while socket.receive() != "2":
                pass
            socket.send("3")
            poller.poll_until("2")
        socket.send('42["message",1]')
        assert socket.receive_until('42["message-back"')


def test_who_does_not_answer_a_ping_is_closed(engine: str, start_echo: StartEcho) -> None:
    echo = start_echo(engine=engine, ping_interval=0.3, ping_timeout=0.2)
    with WebSocket(echo.url) as socket, Poller(echo.url) as poller:
        socket.receive_until("0")
        socket.send("40")
        started = time.monotonic()
        assert isinstance(socket.closed(), Closed)
        assert time.monotonic() - started < 10
        time.sleep(1)
        assert poller.request("GET").status_code == 400


# --- close ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("departs")
def test_a_polling_client_closes_its_session(echo: Echo) -> None:
    with Poller(echo.url) as poller:
        poller.connect()
        with waiting_poll(poller) as answers:
            assert poller.post("1").status_code == 200
        assert (answers[0].status_code, answers[0].text) == (200, "6")
        assert poller.request("GET").status_code == 400


def test_a_websocket_client_closes_its_session(echo: Echo) -> None:
    with WebSocket(echo.url) as socket, WebSocket(echo.url) as other:
        socket.connect()
        other.connect()
        before = len(other.ask("events"))
        socket.send("1")
        assert isinstance(socket.closed(), Closed)
        deadline = time.monotonic() + 10
        while len(other.ask("events")) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert [reason for _, reason in other.ask("events")][before:] == ["client disconnect"]


def test_a_client_that_goes_without_a_word_is_noticed(echo: Echo) -> None:
    with WebSocket(echo.url) as socket, WebSocket(echo.url) as other:
        socket.connect()
        other.connect()
        before = len(other.ask("events"))
        socket.sock.close()
        deadline = time.monotonic() + 10
        while len(other.ask("events")) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert other.ask("events")[-1][1] == "transport close"
