"""The servers that are compared, and how each is started."""

import os
import re
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from benchmarks.load import dialects
from benchmarks.machine import SERVER_CORE, cpu_seconds, node_version, rss_bytes
from benchmarks.peers import install
from benchmarks.peers.install import Unavailable

PROJECT_ROOT = Path(__file__).resolve().parents[2]
LAUNCH = Path(__file__).resolve().parent / "launch.py"
READY_SECONDS_MAX = 60.0
SETTLE_SECONDS_MAX = 30.0
SETTLE_STEP_SECONDS = 0.15
# A server that takes less of its core than this has nothing to do but wait.
SETTLED_SHARE = 0.25
# The application goes through its past in two parts, the second this long after its start.
SETTLE_SECONDS_MIN = 6.0
# Longer than any run: for events that a measurement does not want.
NEVER = 86_400

READY = re.compile(rb"http://127\.0\.0\.1:(\d+)")


@dataclass(frozen=True, slots=True)
class Peer:
    """A server under measurement. `application` tells this project's own from the others."""

    name: str
    label: str
    command: tuple[str, ...]
    dialect: Callable[[str], dialects.Maker]
    environment: dict[str, str] = field(default_factory=dict)
    application: bool = False


@dataclass(slots=True)
class Running:
    """A started peer; `start_seconds` is from the start of its process to its readiness."""

    peer: Peer
    pid: int
    port: int
    secret: str
    start_seconds: float

    @property
    def maker(self) -> dialects.Maker:
        return self.peer.dialect(self.secret)

    def cpu(self) -> float:
        return cpu_seconds(self.pid)

    def rss(self) -> int:
        return rss_bytes(self.pid)

    def settle(self) -> None:
        """Wait until what a server does once, after it is ready, is done."""
        if self.peer.application:
            time.sleep(SETTLE_SECONDS_MIN)
        deadline = time.monotonic() + SETTLE_SECONDS_MAX
        busy = True
        while busy and time.monotonic() < deadline:
            before = self.cpu()
            time.sleep(SETTLE_STEP_SECONDS)
            busy = self.cpu() - before > SETTLED_SHARE * SETTLE_STEP_SECONDS


def _application(name: str, label: str, **environment: str) -> Peer:
    return Peer(
        name,
        label,
        (sys.executable, "-m", "benchmarks.apps.crs"),
        dialects.socketio,
        environment,
        application=True,
    )


CRS = _application("crs", "this server", FANOUT_ENGINE="crs")
STOCK = _application("stock", "stock engine", FANOUT_ENGINE="stock")
# eventlet's own bridge to asyncio (docs/eventlet.md).
ON_ASYNCIO = _application(
    "on-asyncio", "this server on asyncio", FANOUT_ENGINE="crs", EVENTLET_HUB="asyncio"
)
NODE = Peer(
    "node",
    "Node socket.io",
    ("node", str(install.NODE_DIR / "server.mjs")),
    dialects.socketio,
)
SOCKETIFY = Peer(
    "socketify",
    "socketify",
    (sys.executable, "-m", "benchmarks.peers.topics"),
    lambda _: dialects.topics,
    {"PYTHONPATH": str(install.PYTHON_DIR)},
)
BARE = Peer(
    "bare",
    "bare loop",
    (sys.executable, "-m", "benchmarks.peers.bare"),
    lambda _: dialects.bare,
)
ALL = (CRS, STOCK, NODE, SOCKETIFY, BARE)


def available() -> tuple[list[Peer], dict[str, str]]:
    """The peers that can be run here, and for each other one why not."""
    missing: dict[str, str] = {}
    if node_version() is None:
        missing[NODE.name] = "node was not found"
    for peer, fetch in ((NODE, install.node_packages), (SOCKETIFY, install.python_packages)):
        if peer.name not in missing:
            try:
                fetch()
            except Unavailable as error:
                missing[peer.name] = str(error)
    return [peer for peer in ALL if peer.name not in missing], missing


@contextmanager
def started(
    peer: Peer,
    *,
    symbols: tuple[str, ...],
    interval: float,
    settled: bool = True,
    **settings: object,
) -> Iterator[Running]:
    """The peer, streaming `symbols` every `interval` seconds on the server's core; it is ended
    afterwards. `settings` are environment variables of the application."""
    secret = secrets.token_urlsafe(48)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        environment = {
            **os.environ,
            "HOST": "127.0.0.1",
            "PORT": "0",
            "APP_ENV": "development",
            "JWT_SECRET_KEY": secret,
            "DATABASE_URL": f"sqlite:///{folder}/bench.db",
            "REDIS_URL": "",
            "WEBSOCKET_AUTH_REQUIRED": "true",
            "ACCESS_TOKEN_MINUTES": "60",
            "MARKET_FEED": "simulated",
            "SIMULATION_SEED": "1",
            # Years of it would take a core for seconds at each start.
            "SIMULATION_DAYS": "1",
            "SYMBOLS": ",".join(symbols),
            "INTERVAL": str(interval),
            "MARKET_INTERVAL": str(interval),
            "SENTIMENT_INTERVAL": str(NEVER),
            "SIGNAL_INTERVAL": str(NEVER),
            "LOG_LEVEL": "warning",
            **peer.environment,
            **{name: str(value) for name, value in settings.items()},
        }
        with (Path(folder) / "log").open("w+b") as log:
            began = time.perf_counter()
            process = subprocess.Popen(
                (sys.executable, "-I", "-S", str(LAUNCH), str(SERVER_CORE), *peer.command),
                cwd=PROJECT_ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
            try:
                port = _port(process, log, peer)
                server = Running(peer, process.pid, port, secret, time.perf_counter() - began)
                if settled:
                    server.settle()
                yield server
            finally:
                _end(process)


def _port(process: subprocess.Popen[bytes], log: IO[bytes], peer: Peer) -> int:
    deadline = time.monotonic() + READY_SECONDS_MAX
    while time.monotonic() < deadline:
        output = Path(log.name).read_bytes()
        if match := READY.search(output):
            return int(match[1])
        if process.poll() is not None:
            break
        time.sleep(0.005)
    raise Unavailable(f"{peer.label} did not start: {output.decode(errors='replace')[-500:]}")


def _end(process: subprocess.Popen[bytes]) -> None:
    # At once: it has nothing to save, and a farewell to thousands would only take time.
    process.kill()
    process.wait()
