"""What a client can send, and what it can't do with it."""

import json

import pytest

from tests.conftest import Connect, StartServer
from tests.fanout.raw_clients import TEXT, WebSocket, client_frame
from tests.servers import Server, adjusted, wait_until
from tests.stream_clients import TRANSPORTS, PythonClient, RawClient


@pytest.mark.parametrize(
    "message",
    [
        "9",
        "x",
        "",
        "4",
        "4x",
        "47",
        "4{}",
        '42["subscribe"',
        "42{}",
        "42[]",
        "42[null]",
        "42[[1]]",
        "45",
        "451-",
        "4999999999999-[]",
        '451-["subscribe",{"_placeholder":true,"num":5}]',
        "40",
        "40/admin,",
        '42/admin,["subscribe",{}]',
        '42["' + "x" * 40_000 + '"]',
        "1",
    ],
)
def test_a_client_that_breaks_the_protocol_hurts_only_itself(
    message: str, connect: Connect, server: Server
) -> None:
    bystander = connect()
    bystander.emit("subscribe", {"symbols": ["BTC"]})
    hostile = RawClient(server.url)
    hostile.send("40" + json.dumps({"token": server.token}))
    hostile.receive("40")
    hostile.send(message)
    for _ in range(3):
        assert set(bystander.wait("market_update")) == {"BTC"}
    hostile.close()
    assert "Traceback" not in server.output()
    assert server.process.poll() is None


def test_a_client_that_floods_slows_down_only_itself(connect: Connect, server: Server) -> None:
    bystander = connect()
    bystander.emit("subscribe", {"symbols": ["BTC"]})
    hostile = RawClient(server.url)
    hostile.send("40" + json.dumps({"token": server.token}))
    hostile.receive("42")
    for number in range(2_000):
        hostile.send(f'42["unknown{number}"]')
    for _ in range(5):
        bystander.wait("market_update")
    served = server.metric('crs_client_errors_total{code="unknown_event"}')
    assert served < 1_500
    hostile.close()


def test_a_transport_that_never_takes_part_is_closed(start_server: StartServer) -> None:
    server = start_server(**adjusted({"backend.fanout.transport.IDLE_TRANSPORT_SECONDS": 0.5}))
    client = RawClient(server.url)
    closed = 'crs_closed_connections_total{reason="never_connected"}'
    wait_until(lambda: server.metric(closed) == 1, "the server to close it")
    assert client.receive_until_closed() is not None


def test_nothing_is_left_of_clients_that_have_gone(start_server: StartServer) -> None:
    server = start_server()
    auth = {"token": server.token}
    clients = [PythonClient(server.url, auth, transport) for transport in TRANSPORTS]
    for client in clients:
        client.emit("subscribe", {"symbols": ["BTC", "ETH"], "realtime": True})
    wait_until(lambda: server.metric("crs_subscriptions") == 6, "six subscriptions")
    assert server.get("/health").json()["connections"] == 3
    assert server.metric("crs_baskets") == 1
    for client in clients:
        client.close()
    wait_until(lambda: server.metric("crs_connections") == 0, "the connections to be forgotten")
    assert server.metric("crs_subscriptions") == 0
    assert server.metric("crs_baskets") == 0


@pytest.mark.parametrize("frames", [1, 2])
@pytest.mark.parametrize("engine", ["crs", "stock"])
def test_who_sends_too_large_a_message_is_told_so_before_the_close(
    start_server: StartServer, engine: str, frames: int
) -> None:
    server = start_server(FANOUT_ENGINE=engine)
    with WebSocket(server.url) as client:
        client.receive_until("0")
        client.send("40" + json.dumps({"token": server.token}))
        client.receive_until('42["connection_status"')
        message = b'42["subscribe",{"symbols":["' + b"x" * 20_000 + b'"]}]'
        head, tail = message[: len(message) // 2], message[len(message) // 2 :]
        for part in (
            [client_frame(TEXT, message)]
            if frames == 1
            else [client_frame(TEXT, head, final=False), client_frame(0, tail)]
        ):
            client.sock.sendall(part)
        _, error = json.loads(client.receive_until('42["error"')[2:])
        assert error["code"] == "message_too_large"
        assert client.closed().code == 1009
    assert server.metric('crs_client_errors_total{code="message_too_large"}') == 1
    assert server.metric('crs_closed_connections_total{reason="protocol_error"}') == 1
