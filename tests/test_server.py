"""The listening socket: its limits, its start, and the way out."""

import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.conftest import StartServer
from tests.servers import PATIENCE, ROOT, Server, bearer, lasting_port, wait_until
from tests.stream_clients import TRANSPORTS, NodeClient, PythonClient

pytestmark = pytest.mark.served

# More than the wall at which the WSGI server stops accepting by default.
BEYOND_THE_WALL = 1_100


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    opened: list[socket.socket] = []
    yield opened
    for connection in opened:
        connection.close()


def address_of(server: Server) -> tuple[str, int]:
    host, port = server.url.removeprefix("http://").split(":")
    return host, int(port)


def crowd(server: Server, sockets: list[socket.socket], request: bytes) -> None:
    """Make more than a thousand connections, each with this request."""
    for _ in range(BEYOND_THE_WALL):
        connection = socket.create_connection(address_of(server), timeout=PATIENCE)
        connection.sendall(request)
        sockets.append(connection)


def test_connections_beyond_a_thousand_are_served(
    start_server: StartServer, sockets: list[socket.socket]
) -> None:
    server = start_server()
    crowd(server, sockets, b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
    for connection in sockets:
        assert connection.recv(15) == b"HTTP/1.1 200 OK"
    assert server.get("/health").json()["status"] == "ok"


def test_requests_that_never_end_do_not_keep_others_from_being_served(
    start_server: StartServer, sockets: list[socket.socket]
) -> None:
    server = start_server()
    crowd(server, sockets, b"POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Le")
    assert server.get("/health").json()["status"] == "ok"


@pytest.mark.alone
def test_small_answers_are_not_held_back(server: Server) -> None:
    # Nagle's delay would add about 40 ms to each of these; the median is below that on any
    # machine that can run the suite at all.
    client = PythonClient(server.url, {"token": server.token})
    try:
        client.wait("connection_status")
        rounds = []
        for number in range(30):
            started = time.perf_counter()
            client.ack("heartbeat", {"client_time": number})
            rounds.append(time.perf_counter() - started)
        assert sorted(rounds)[len(rounds) // 2] < 0.04
    finally:
        client.close()


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_the_server_cleanly_with_a_farewell(
    signal_name: str, start_server: StartServer
) -> None:
    server = start_server()
    auth = {"token": server.token}
    clients = [PythonClient(server.url, auth, transport) for transport in TRANSPORTS]
    node = NodeClient(server.url, auth)
    try:
        for client in (*clients, node):
            client.wait("connection_status")
        server.process.send_signal(getattr(signal, signal_name))
        assert server.process.wait(PATIENCE) == 0
        waits = {c.wait("server_shutdown")["reconnect_after_ms"] for c in (*clients, node)}
        assert all(0 < wait <= 10_000 for wait in waits)
        assert len(waits) > 1, "every client would come back in the same moment"
        # What clients reconnect after by themselves: the transport went, nobody told them to leave.
        assert node.wait("disconnect") in ("transport close", "transport error")
    finally:
        for client in (*clients, node):
            client.close()
    assert "Traceback" not in server.output()


def test_clients_that_reconnect_by_themselves_come_back_to_the_next_server(
    start_server: StartServer,
) -> None:
    first = start_server(PORT=str(lasting_port()))
    client = NodeClient(
        first.url,
        {"token": first.token},
        reconnection=True,
        reconnectionDelay=50,
        reconnectionDelayMax=100,
    )
    try:
        client.wait("connection_status")
        first.stop()
        start_server(**first.environment)
        client.wait("connection_status", lambda status: status["status"] == "connected")
    finally:
        client.close()


def test_a_port_in_use_is_said_so(server: Server) -> None:
    result = run_app({**server.environment, "PORT": str(address_of(server)[1])})
    assert result.returncode == 1
    assert "is in use" in result.stderr and "PORT" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_bad_setting_stops_the_start_and_is_named() -> None:
    result = run_app({"PORT": "no", "MARKET_INTERVAL": "-1"})
    assert result.returncode == 2
    assert re.search(r"PORT was 'no'; allowed: ", result.stderr)
    assert re.search(r"MARKET_INTERVAL was '-1'; allowed: ", result.stderr)
    assert "Traceback" not in result.stderr


def test_no_token_or_password_is_in_the_log(start_server: StartServer) -> None:
    server = start_server(LOG_LEVEL="debug")
    login = server.new_login()
    client = PythonClient(server.url, {"token": login["access_token"]})
    client.wait("connection_status")
    client.close()
    server.get("/api/auth/me", headers=bearer(login["access_token"]))
    wait_until(lambda: server.get("/health").json()["connections"] == 0, "the client to go")
    for secret in (login["access_token"], login["refresh_token"], "correct horse battery"):
        assert secret not in server.output()


def run_app(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "app.py")],
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
