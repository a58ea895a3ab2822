"""What several processes share through Redis."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from tests.conftest import StartServer
from tests.servers import PASSWORD, PATIENCE, Server, lasting_port, wait_until

LOGIN_FAILURES = 10


class Redis:
    """A Redis server of a test's own, which can be stopped and started."""

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
        with redis.Redis.from_url(self.url) as client:
            wait_until(lambda: answers(client), "Redis to start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(PATIENCE)
            self._process = None


def answers(client: "redis.Redis[Any]") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


@pytest.fixture
def shared(tmp_path: Path) -> Iterator[Redis]:
    if not shutil.which("redis-server"):
        pytest.skip("redis-server is not installed")
    server = Redis(tmp_path)
    server.start()
    yield server
    server.stop()


def wrong_login(server: Server) -> int:
    body = {"username": "somebody", "password": f"not {PASSWORD}"}
    return server.post("/api/auth/login", body).status_code


def test_processes_count_failed_logins_together(shared: Redis, start_server: StartServer) -> None:
    one, two = (start_server(REDIS_URL=shared.url) for _ in range(2))
    # Two windows' worth, so that it does not matter where in a minute this begins.
    answered = [wrong_login(server) for _ in range(LOGIN_FAILURES) for server in (one, two)]
    assert answered[:5] == [401] * 5
    assert 429 in answered
    assert answered.count(401) <= 2 * LOGIN_FAILURES - 1


def test_without_redis_the_process_says_so_and_goes_on(
    shared: Redis, start_server: StartServer
) -> None:
    server = start_server(REDIS_URL=shared.url)
    assert server.get("/health").status_code == 200
    shared.stop()
    wait_until(lambda: server.get("/health").status_code == 503, "Redis to be missed")
    assert server.get("/health").json()["unreachable"] == ["redis"]
    assert server.new_login()["access_token"]
    shared.start()
    wait_until(lambda: server.get("/health").status_code == 200, "Redis to be found again")
    assert "Traceback" not in server.output()
