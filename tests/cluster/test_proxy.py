"""Clients find their process through nginx as it is deployed."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest
import requests
import websocket

from scripts.nginx import FILES, processes_conf
from tests.cluster.conftest import StartCluster
from tests.cluster.proxy import Proxy
from tests.conftest import STACKS, Connect
from tests.fanout.raw_clients import Poller
from tests.servers import PASSWORD, PATIENCE, Server, bearer, lasting_port, wait_until
from tests.stream_clients import TRANSPORTS, NodeClient

SYMBOLS = ["BTC", "ETH"]
# Enough of each that every process has some.
CLIENTS_PER_WAY = 3


def own(url: str) -> Server:
    """What tests ask a server, asked through the proxy at `url`."""
    return Server(None, url, Path(), {})  # type: ignore[arg-type]


def test_clients_of_every_kind_stream_through_the_proxy(
    start_cluster: StartCluster, connect: Connect
) -> None:
    cluster = start_cluster(3, proxied=True)
    clients = [
        connect(stack, transport, {"token": cluster.servers[0].token}, to=own(cluster.url))
        for _ in range(CLIENTS_PER_WAY)
        for stack in STACKS
        for transport in TRANSPORTS
    ]
    for client in clients:
        client.wait("connection_status")
        client.emit("subscribe", {"symbols": SYMBOLS})
        assert client.wait("subscription_confirmed")["subscribed"] == SYMBOLS
    for client in clients:
        for _ in range(3):
            assert set(client.wait("market_update")) == set(SYMBOLS)
    # An upgrade may be under way.
    connections = [server.get("/health").json()["connections"] for server in cluster.servers]
    assert sum(connections) == len(clients)
    assert all(connections), f"some process has nobody: {connections}"


def test_a_session_that_polls_stays_with_its_process(start_cluster: StartCluster) -> None:
    cluster = start_cluster(2, proxied=True, WEBSOCKET_AUTH_REQUIRED="false")
    homes: Counter[str] = Counter()
    for _ in range(6):
        # Each of its requests comes on another connection.
        with Poller(cluster.url) as poller:
            homes[poller.sid.partition(".")[0]] += 1
            poller.post("40", '42["subscribe",{"symbols":["BTC"]}]')
            poller.poll_until('42["market_update"')
            poller.poll_until('42["market_update"')
    assert set(homes) == {"p0", "p1"}


def test_a_process_that_ends_is_left_out_and_takes_part_when_it_is_back(
    start_cluster: StartCluster, connect: Connect
) -> None:
    cluster = start_cluster(2, proxied=True)
    token = {"token": cluster.servers[0].token}
    clients = [
        NodeClient(cluster.url, token, transport, reconnection=True, reconnectionDelay=100)
        for transport in TRANSPORTS
        for _ in range(2)
    ]
    try:
        for client in clients:
            client.emit("subscribe", {"symbols": SYMBOLS})
            client.wait("market_update")
        assert cluster.servers[0].stop() == 0
        for _ in range(10):
            assert requests.get(f"{cluster.url}/ready", timeout=PATIENCE).status_code == 200
        moved = [client for client in clients if client.all("server_shutdown")]
        assert moved and len(moved) < len(clients)
        for client in moved:
            client.wait("connection_status", lambda told: told["status"] == "connected")
        cluster.restart(0)
        wait_until(lambda: home(cluster.url) == "p0", "new sessions to come to it")
    finally:
        for client in clients:
            client.close()


def home(url: str) -> str:
    """The process of a new session."""
    with Poller(url) as poller:
        return str(poller.sid.partition(".")[0])


def test_a_client_can_not_make_up_its_address(start_cluster: StartCluster) -> None:
    cluster = start_cluster(1, proxied=True)
    entrance = own(cluster.url)
    account = {"username": "alice", "password": PASSWORD}
    assert entrance.post("/api/auth/register", account).status_code == 201
    made_up = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "elsewhere.example.com"}
    login = entrance.post("/api/auth/login", account, headers=made_up).json()
    headers = bearer(login["access_token"])
    (session,) = entrance.get("/api/auth/sessions", headers=headers).json()["sessions"]
    assert session["address"] == "127.0.0.1"


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of this machine's address, signed by itself; its key is beside it."""
    path = tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
        + ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
        + ["-keyout", str(path.with_suffix(".key")), "-out", str(path)],
        check=True,
        capture_output=True,
    )
    return path


def test_pages_of_its_own_origin_connect_over_tls_and_no_others(
    start_cluster: StartCluster, certificate: Path, tmp_path: Path
) -> None:
    cluster = start_cluster(
        1,
        APP_ENV="production",
        CORS_ORIGINS="https://named.example.com",
        WEBSOCKET_AUTH_REQUIRED="false",
    )
    plain, secure = lasting_port(), lasting_port()
    site = (FILES / "site.conf").read_text()
    for real, here in {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl;": f"listen 127.0.0.1:{secure} ssl;",
        "listen [::]:80;": "",
        "listen [::]:443 ssl;": "",
        "/etc/nginx/tls/fullchain.pem": str(certificate),
        "/etc/nginx/tls/privkey.pem": str(certificate.with_suffix(".key")),
    }.items():
        assert real in site
        site = site.replace(real, here)
    url = f"https://127.0.0.1:{secure}"
    proxy = Proxy(tmp_path / "tls", {"p0": cluster.urls[0].removeprefix("http://")}, site, url)
    try:
        for origin, status in {
            url: 200,
            "https://named.example.com": 200,
            "https://elsewhere.example.com": 403,
            "http://127.0.0.1": 403,
        }.items():
            answer = requests.get(
                f"{url}/socket.io/?EIO=4&transport=polling",
                headers={"Origin": origin},
                verify=str(certificate),
                timeout=PATIENCE,
            )
            assert (origin, answer.status_code) == (origin, status)
        stream = url.replace("https", "wss") + "/socket.io/?EIO=4&transport=websocket"
        sock = websocket.create_connection(
            stream, timeout=PATIENCE, origin=url, sslopt={"ca_certs": str(certificate)}
        )
        sock.send("40")
        assert sock.recv().startswith("0{")
        sock.close()
        moved = requests.get(
            f"http://127.0.0.1:{plain}/health", allow_redirects=False, timeout=PATIENCE
        )
        assert (moved.status_code, moved.headers["Location"]) == (301, "https://127.0.0.1/health")
    finally:
        proxy.stop()


def test_a_user_of_one_process_is_one_of_all_also_on_postgresql(
    start_cluster: StartCluster, connect: Connect, postgresql_url: str
) -> None:
    cluster = start_cluster(2, proxied=True, DATABASE_URL=postgresql_url.replace("+psycopg2", ""))
    login = cluster.servers[0].new_login()
    clients = [connect(auth={"token": login["access_token"]}, to=each) for each in cluster.servers]
    for client in clients:
        client.wait("connection_status")
    headers = bearer(login["access_token"])
    assert own(cluster.url).post("/api/auth/logout-all", headers=headers).status_code == 200
    for client in clients:
        assert client.wait("auth_error")["code"] == "token_revoked"


def test_what_is_of_one_process_is_not_shown(start_cluster: StartCluster) -> None:
    cluster = start_cluster(1, proxied=True)
    assert requests.get(f"{cluster.url}/metrics", timeout=PATIENCE).status_code == 404
    assert cluster.servers[0].get("/metrics").status_code == 200


def test_the_list_of_processes_in_the_folder_is_what_the_script_writes() -> None:
    addresses = {str(number): f"127.0.0.1:500{number}" for number in range(1, 5)}
    assert (FILES / "processes.conf").read_text() == processes_conf(addresses)
