"""A Redis server of a test's own, to which everything can happen."""

import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.servers import PATIENCE, lasting_port, wait_until


class Redis:
    """One that keeps nothing on disk, and comes back on the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = lasting_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; returns when it answers."""
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        with redis.Redis.from_url(self.url) as client:
            wait_until(lambda: _answers(client), "Redis to start")

    def stop(self) -> None:
        """End it; what it knew is gone."""
        if self._process is not None:
            self.resume()
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None

    def hang(self) -> None:
        """It takes connections and commands, and answers nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """It answers again."""
        self._signal(signal.SIGCONT)

    def client(self) -> "redis.Redis[Any]":
        """A client of its own for who asks for more than one thing."""
        return redis.Redis.from_url(self.url, socket_timeout=PATIENCE)

    def command(self, *words: Any) -> Any:
        """What it answers to a command, as it comes."""
        with redis.Redis.from_url(self.url, socket_timeout=PATIENCE) as client:
            client.response_callbacks.clear()
            return client.execute_command(*words)

    def command_with(self, password: str, *words: Any) -> Any:
        """The same, where it asks for a password."""
        with redis.Redis.from_url(self.url, password=password) as client:
            return client.execute_command(*words)

    def wait_until_gone(self, key: str) -> None:
        """Wait until a key has expired."""
        wait_until(lambda: not self.command("exists", key), f"{key} to expire")

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)


def _answers(client: "redis.Redis[Any]") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def redis_server(folder: Path) -> Iterator[Redis]:
    """The body of a fixture: a server that is running."""
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    server = Redis(folder)
    server.start()
    yield server
    server.stop()
