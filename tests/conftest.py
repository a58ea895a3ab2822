"""What the tests share: a real server, started as a user starts it, and real clients."""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from stream_clients import TRANSPORTS, NodeClient, PythonClient

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = ROOT.parent / "shared" / "data"
PASSWORD = "correct horse battery"
# Far beyond what a loaded machine needs; a test that waits this long has failed.
PATIENCE = 60.0

# What a server gets of the environment of the tests: FANOUT_ENGINE=stock runs all on that engine.
INHERITED = ("PATH", "HOME", "LANG", "TZ", "EVENTLET_HUB", "FANOUT_ENGINE", "FANOUT_DEFLATE")
STACKS = {"python": PythonClient, "node": NodeClient}
Connect = Callable[..., Any]

_names = itertools.count()


def wait_until(condition: Callable[[], Any], what: str, timeout: float = PATIENCE) -> Any:
    """The first truthy value of `condition`; fails the test where there is none in time."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout:.0f} s in vain for {what}")
        time.sleep(0.02)
    return value


@dataclass
class Server:
    """A running server process. `log` is the file that takes its output."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    environment: dict[str, str]
    tokens: dict[str, Any] = field(default_factory=dict)

    def get(self, path: str, **options: Any) -> requests.Response:
        return requests.get(self.url + path, timeout=PATIENCE, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> requests.Response:
        return requests.post(self.url + path, json=body, timeout=PATIENCE, **options)

    def new_login(self) -> dict[str, Any]:
        """Register a user of a fresh name and log in; the answer of the login."""
        account = {"username": f"user{next(_names)}-{time.time_ns()}", "password": PASSWORD}
        assert self.post("/api/auth/register", account).status_code == 201
        answer = self.post("/api/auth/login", account)
        assert answer.status_code == 200, answer.text
        return answer.json()

    @property
    def token(self) -> str:
        """An access token of one user that all tests of this server share."""
        if not self.tokens:
            self.tokens = self.new_login()
        return str(self.tokens["access_token"])

    def metric(self, name: str) -> float:
        """The value of one sample of /metrics, such as `crs_emits_total{event="error"}`."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


StartServer = Callable[..., Server]


@pytest.fixture(scope="session")
def _start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    running: list[Server] = []

    def start(**environment: str) -> Server:
        folder = tmp_path_factory.mktemp("server")
        inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
        full = {
            **inherited,
            "PORT": "0",
            "DATABASE_URL": f"sqlite:///{folder}/crs.db",
            "JWT_SECRET_KEY": "a secret of the tests, and of nothing else",
            "SIMULATION_SEED": "1",
            **environment,
        }
        log = folder / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "app.py")],
                cwd=folder,
                env=full,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        server = Server(process, "", log, full)
        running.append(server)

        def ready() -> bool:
            if process.poll() is not None:
                pytest.fail(f"the server ended with {process.returncode}:\n{server.output()}")
            return "is ready at " in server.output()

        wait_until(ready, "the server to start")
        server.url = server.output().split("is ready at ")[1].split()[0]
        return server

    yield start
    for server in running:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()


@pytest.fixture(scope="session")
def server(_start: StartServer) -> Server:
    """A server with its defaults and a quick cadence, shared by all tests that do no harm to it."""
    return _start(MARKET_INTERVAL="0.4", SENTIMENT_INTERVAL="1", SIGNAL_INTERVAL="1")


@pytest.fixture
def start_server(_start: StartServer) -> Iterator[StartServer]:
    """Starts servers of a test's own, with the given environment; they end with the test."""
    mine: list[Server] = []

    def start(**environment: str) -> Server:
        mine.append(_start(**environment))
        return mine[-1]

    yield start
    for server in mine:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    """Connects clients that end with the test: `connect(stack, transport, auth, server)`."""
    clients: list[Any] = []

    def start(
        stack: str = "python",
        transport: str = "websocket",
        auth: Any = "token",
        to: Server = server,
        **options: Any,
    ) -> Any:
        credentials = {"token": to.token} if auth == "token" else auth
        clients.append(STACKS[stack](to.url, credentials, transport, **options))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


@pytest.fixture(params=[(s, t) for s in STACKS for t in TRANSPORTS], ids=lambda p: "-".join(p))
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Every stock client on every transport."""
    stack, transport = request.param
    return stack, transport
