"""What would end the service for all: no descriptors left, a log that can't be written, a pause."""

import fcntl
import json
import os
import re
from collections.abc import Callable, Iterator

import pytest

from benchmarks.load.dialects import subscriber
from benchmarks.load.recording import Recording
from benchmarks.load.swarm import Swarm
from tests.attack.raw import Answer, answers, exchange
from tests.attack.siege import Siege, Wave, port_of, start_attacker
from tests.conftest import StartServer
from tests.fanout.raw_clients import WebSocket
from tests.servers import ROOT, Server, wait_until

pytestmark = pytest.mark.served

# Of a line of the log that is not the one that says where the server listens.
LINE = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ +[\w.]+: [^\x00-\x1f\x7f-\x9f]*)?"
)
DESCRIPTORS = 300
READERS = 400
ATTACK_SECONDS = 6.0
# A server that is not hindered answers within milliseconds.
ANSWER_SECONDS_MAX = 4.0
JSON = b"Content-Type: application/json"
READY = "is ready at"
# Beyond what the longest ping interval and timeout together are: any client would be given up.
PAUSE_SECONDS = 50.0


def get(server: Server, path: str = "/health") -> Answer:
    request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    return answers(exchange(port_of(server), request.encode(), timeout=ANSWER_SECONDS_MAX))[0]


def assert_streams(swarm: Swarm, ticks: int = 2) -> None:
    """Every client hears so many ticks, of half a second each."""
    recording = Recording(b'"market_update"')
    swarm.listen(ticks * 0.5 + 0.75, recording)
    assert (recording.lost_clients, recording.closes) == (0, [])
    for client in swarm.clients.values():
        assert list(recording.owners).count(client.number) >= ticks


@pytest.fixture
def served(start_server: StartServer) -> Iterator[Callable[..., tuple[Server, Swarm]]]:
    """Starts a server that has an honest client: `served(**options)`."""
    swarms = []

    def start(**options: object) -> tuple[Server, Swarm]:
        server = start_server(MARKET_INTERVAL="0.5", **options)
        swarms.append(Swarm(port_of(server)))
        swarms[-1].connect([subscriber(server.token, {"symbols": ["BTC"]})])
        return server, swarms[-1]

    yield start
    for swarm in swarms:
        swarm.__exit__()


def largest_asset() -> str:
    """The path of the largest file that the server sends; it holds a descriptor meanwhile."""
    files = (ROOT / "frontend" / "dist" / "assets").glob("*.js")
    sizes = {f"/assets/{path.name}": path.stat().st_size for path in files}
    if not sizes:
        pytest.skip("the dashboard is not built")
    return max(sizes, key=sizes.__getitem__)


def test_who_takes_all_descriptors_keeps_nobody_out(
    served: Callable[..., tuple[Server, Swarm]],
) -> None:
    server, swarm = served(shell=f"ulimit -n {DESCRIPTORS}")
    wave = Wave("slow_readers", READERS, addresses=10, arguments=(f"--path={largest_asset()}",))
    attacker = start_attacker(server, wave, 10, ATTACK_SECONDS)
    try:
        assert attacker.line() == "attacking"
        assert_streams(swarm)
        assert get(server).status in (200, 503)
        attacker.line()
    finally:
        attacker.stop()
    wait_until(lambda: get(server).status == 200, "the server to serve again")
    with Swarm(port_of(server)) as newcomers:
        newcomers.connect([subscriber(server.token, {"symbols": ["BTC"]})] * 10)
        assert_streams(newcomers)
    assert "Traceback" not in server.output()


def test_one_address_that_trickles_on_all_descriptors_keeps_nobody_out(
    served: Callable[..., tuple[Server, Swarm]],
) -> None:
    server, swarm = served(shell=f"ulimit -n {DESCRIPTORS}")
    attacker = start_attacker(server, Wave("trickle", READERS), 10, ATTACK_SECONDS)
    try:
        assert attacker.line() == "attacking"
        assert get(server).status == 200
        with Swarm(port_of(server), sources=["127.3.0.1"]) as newcomers:
            newcomers.connect([subscriber(server.token, {"symbols": ["BTC"]})], limit_seconds=3)
            assert_streams(newcomers)
        assert_streams(swarm)
    finally:
        attacker.stop()


def test_a_log_that_cannot_be_written_ends_nothing(
    served: Callable[..., tuple[Server, Swarm]],
) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    server, swarm = served(stderr=full)
    os.close(full)
    for _ in range(20):
        exchange(port_of(server), b"no request at all\r\n\r\n")
        get(server, "/api/auth/me")
    assert_streams(swarm)
    assert get(server).status == 200


def test_a_log_that_nobody_reads_stops_nothing(
    served: Callable[..., tuple[Server, Swarm]],
) -> None:
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    server, swarm = served(stderr=writer)
    os.close(writer)
    try:
        for _ in range(300):
            assert get(server, "/api/auth/me").status in (401, 429)
        assert_streams(swarm)
        assert get(server).status == 200
    finally:
        os.close(reader)


@pytest.mark.parametrize(
    "path",
    [
        "/" + "a" * 300,
        "/assets/" + "a" * 300,
        "/a/" + "b" * 5_000,
        "/" + "%00" * 100,
        "/..%2f" * 50,
    ],
    ids=lambda path: f"{path[:12]} of {len(path)}",
)
def test_no_path_is_too_odd(path: str, server: Server) -> None:
    size = server.log.stat().st_size
    assert get(server, path).status in (200, 400, 404, 414)
    assert server.log.stat().st_size - size < 1_000
    assert "Traceback" not in server.output()


def test_nothing_that_is_sent_can_forge_a_line_of_the_log(start_server: StartServer) -> None:
    server = start_server(LOG_LEVEL="debug", TRUSTED_PROXIES="1")
    odd = b"\x1b[2J\x1b[31m\r2026-01-01T00:00:00.000Z ERROR   backend: forged\x7f\x9b"
    body = b'{"username": "a\\u001b[31m\\nforged", "password": "wrong password"}'
    length = b"Content-Length: %d" % len(body)
    for line, *headers in (
        (odd,),
        (b"GET /" + odd + b" HTTP/1.1",),
        (b"G\x1bT / HTTP/1.1",),
        (b"GET /%1b%5b31m%0d%0aforged HTTP/1.1",),
        (b"GET /api/auth/%1b%0a/me HTTP/1.1",),
        (b"GET /api/auth/me HTTP/1.1", b"X-Forwarded-For: " + odd),
        (b"GET /api/auth/me HTTP/1.1", b"X-Forwarded-For: \x1b[31m1.2.3.4"),
        (b"GET / HTTP/1.1", b"User-Agent: \x1b]0;forged\x07", odd + b": x"),
        (b"GET /socket.io/?EIO=4&transport=\x1b[31m HTTP/1.1", b"Origin: \x1b[31m"),
        (b"POST /api/auth/login HTTP/1.1", b"X-Forwarded-For: \x1b[1m", JSON, length, b"", body),
    ):
        head = (line, b"Host: localhost", b"Connection: close", *headers)
        exchange(port_of(server), b"\r\n".join(head) + (b"" if body in headers else b"\r\n\r\n"))
    with WebSocket(server.url) as client:
        client.receive_until("0")
        client.send('40{"token":"\\u001b[31m\\nforged"}')
        client.receive_until('42["auth_error"')
    with WebSocket(server.url) as client:
        client.receive_until("0")
        client.send("40" + json.dumps({"token": server.token}))
        client.receive_until('42["connection_status"')
        client.send('42["\\u001b[31m\\nforged",{"\\u001b":1}]')
        client.receive_until('42["error"')
    lines = server.log.read_bytes().decode("utf-8", "surrogateescape").split("\n")
    assert [line for line in lines if not LINE.fullmatch(line) and READY not in line] == []


@pytest.mark.soak
@pytest.mark.alone
def test_no_client_is_lost_by_a_pause_of_nearly_a_minute(siege: Siege) -> None:
    ticks = siege.pause(PAUSE_SECONDS)
    assert (ticks.lost_clients, ticks.heard) == (0, ticks.expected)
