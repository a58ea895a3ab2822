"""A Redis server of a test's own."""

import signal
import subprocess
from pathlib import Path
from typing import Any

import redis

from tests.servers import PATIENCE, lasting_port, wait_until


class Redis:
    """A Redis server that can be stopped and started, and hung and continued."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = lasting_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            ["redis-server", "--port", str(self._port), "--bind", "127.0.0.1", "--save", ""],
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
        )
        with self.client() as client:
            wait_until(lambda: _answers(client), "Redis to start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(PATIENCE)
            self._process = None

    def hang(self) -> None:
        """It takes connections and answers nothing, until `go_on`."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def client(self) -> "redis.Redis[Any]":
        return redis.Redis.from_url(self.url)


def _answers(client: "redis.Redis[Any]") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False
