"""A real server, started as a user starts it, and how tests wait for what it does."""

import itertools
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "app.py"
ADJUSTED = ROOT / "tests" / "adjusted_app.py"
SHARED_DATA = ROOT.parent / "shared" / "data"
PASSWORD = "correct horse battery"
# Far beyond what a loaded machine needs; a test that waits this long has failed.
PATIENCE = 60.0

# What a server has where the test does not care which: at each start the past of every symbol is
# made, stored and gone through, which takes a third of a second each.
SYMBOLS = ("BTC", "ETH")
# Likewise: as many hours as a rating of hours needs, and no others. An empty one gives the two
# years that users have.
SIMULATION_DAYS = 3

# What a server gets of the environment of the tests: FANOUT_ENGINE=stock runs all on that engine.
INHERITED = ("PATH", "HOME", "LANG", "TZ", "EVENTLET_HUB", "FANOUT_ENGINE", "FANOUT_DEFLATE")
# Below those that the kernel hands out for port 0 and for outgoing connections.
LASTING_PORTS = range(15_000, 30_000)

_names = itertools.count()


def wait_until(condition: Callable[[], Any], what: str, timeout: float = PATIENCE) -> Any:
    """The first truthy value of `condition`; fails the test where there is none in time."""
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout:.0f} s in vain for {what}")
        time.sleep(0.02)
    return value


def bearer(token: str) -> dict[str, str]:
    """The header by which a call shows an access token."""
    return {"Authorization": f"Bearer {token}"}


def adjusted(constants: dict[str, float]) -> dict[str, Any]:
    """Options of `start` for a server in which constants have other values: by their places, such
    as `backend.server.END_SECONDS`, each in the module that uses it."""
    return {"program": ADJUSTED, "PYTHONPATH": str(ROOT), "ADJUSTED": json.dumps(constants)}


# A server that notices a fault of its database or of Redis, and the end of it, in a moment.
ATTENTIVE = adjusted({"backend.assembly.operation.CHECK_SECONDS": 0.3})


def lasting_port() -> int:
    """A free port for what has to come back to it: nobody is given it by chance meanwhile."""
    while True:
        port = random.choice(LASTING_PORTS)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


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

    def delete(self, path: str, **options: Any) -> requests.Response:
        return requests.delete(self.url + path, timeout=PATIENCE, **options)

    def new_login(self) -> dict[str, Any]:
        """Register a user of a fresh name and log in; the answer of the login."""
        account = {"username": f"user{next(_names)}-{time.time_ns()}", "password": PASSWORD}
        assert self.post("/api/auth/register", account).status_code == 201
        answer = self.post("/api/auth/login", account)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def log_in_again(self, login: dict[str, Any]) -> dict[str, Any]:
        """Log the user of a login in once more; the answer."""
        account = {"username": login["user"]["username"], "password": PASSWORD}
        return dict(self.post("/api/auth/login", account).json())

    @property
    def token(self) -> str:
        """An access token of one user that all tests of this server share."""
        if not self.tokens:
            self.tokens.update(self.new_login())
        return str(self.tokens["access_token"])

    def metric(self, name: str) -> float:
        """The value of one sample of /metrics, such as `crs_emits_total{event="error"}`."""
        for line in self.get("/metrics").text.splitlines():
            if line.startswith(f"{name} "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0

    def wait_for_signals(self, symbols: Iterable[str]) -> None:
        """Wait until there is a signal of each, as who subscribes a moment after the start may
        have to."""
        for symbol in symbols:
            path = f"/api/signals?symbol={symbol}&limit=1"
            wait_until(lambda path=path: self.get(path).json()["signals"], f"a signal of {symbol}")

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


def start(
    folder: Path,
    *,
    program: Path = APP,
    shell: str = "true",
    stderr: int | None = None,
    **environment: str,
) -> Server:
    """Start a server with its files in `folder`; returns before it is ready.

    `program` has all that `app.py` has. What a shell is to do first, such as `ulimit`, is `shell`;
    `stderr` is a descriptor for what the log has otherwise.
    """
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    full = {
        **inherited,
        "PORT": "0",
        "DATABASE_URL": f"sqlite:///{folder}/crs.db",
        "JWT_SECRET_KEY": "a secret of the tests, and of nothing else",
        "SIMULATION_SEED": "1",
        "SYMBOLS": ",".join(SYMBOLS),
        "SIMULATION_DAYS": str(SIMULATION_DAYS),
        **environment,
    }
    log = folder / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["sh", "-c", f'{shell} && exec "$0" "$@"', sys.executable, str(program)],
            cwd=folder,
            env=full,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if stderr is None else stderr,
        )
    return Server(process, "", log, full)


def wait_until_ready(server: Server) -> None:
    """Wait until it listens, and learn where; fails the test where it ends instead."""

    def ready() -> bool:
        if server.process.poll() is not None:
            pytest.fail(f"the server ended with {server.process.returncode}:\n{server.output()}")
        return "is ready at " in server.output()

    wait_until(ready, "the server to start")
    server.url = server.output().split("is ready at ")[1].split()[0]
