"""Servers of the echo application on both engines."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.servers import INHERITED

APP = Path(__file__).resolve().parent / "echo_app.py"


class Echo:
    """A running echo application."""

    def __init__(self, **settings: object) -> None:
        self.engine = settings.get("engine", "crs")
        environment = {k: v for k, v in os.environ.items() if k in INHERITED}
        self.process = subprocess.Popen(
            [sys.executable, str(APP), json.dumps(settings)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
        )
        assert self.process.stdout is not None
        port = self.process.stdout.readline().split()[1].decode()
        self.url = f"http://127.0.0.1:{port}"

    def stop(self) -> str:
        """End it; what it logged."""
        self.process.kill()
        _, errors = self.process.communicate()
        return errors.decode()


StartEcho = Callable[..., Echo]


@pytest.fixture(scope="session", params=["crs", "stock"])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def echo(engine: str) -> Iterator[Echo]:
    """An echo server for tests that do it no harm, on each engine in turn."""
    server = Echo(engine=engine)
    yield server
    log = server.stop()
    assert "Traceback" not in log, log


@pytest.fixture(scope="session")
def ours() -> Iterator[Echo]:
    """The same on this project's engine only."""
    server = Echo()
    yield server
    log = server.stop()
    assert "Traceback" not in log, log


@pytest.fixture
def start_echo() -> Iterator[StartEcho]:
    """Starts echo servers of a test's own."""
    started: list[Echo] = []

    def start(**settings: object) -> Echo:
        started.append(Echo(**settings))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def departs(engine: str) -> None:
    """Marks a test of what the protocol asks for and the stock engine does not do."""
    if engine == "stock":
        pytest.skip("the stock engine departs from the protocol")
