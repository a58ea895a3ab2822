"""`make cluster`: several processes with one command, and none of them when it ends."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from scripts import nginx
from tests.servers import INHERITED, PATIENCE, ROOT, lasting_port, wait_until

pytestmark = pytest.mark.served


def test_it_serves_starts_again_what_was_killed_and_ends_with_everything(tmp_path: Path) -> None:
    if not nginx.PROGRAM or not shutil.which("redis-server"):
        pytest.skip("nginx or redis-server is not installed")
    port = lasting_port()
    output = tmp_path / "output"
    with output.open("wb") as log:
        command = subprocess.Popen(
            [sys.executable, "-m", "scripts.cluster", str(tmp_path / "cluster")],
            cwd=ROOT,
            env={
                **{name: os.environ[name] for name in INHERITED if name in os.environ},
                "PORT": str(port),
                "PROCESSES": "2",
                "DATABASE_URL": f"sqlite:///{tmp_path}/crs.db",
                "JWT_SECRET_KEY": "a secret of the tests, and of nothing else",
            },
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_until(lambda: "Logs: " in output.read_text(), "the cluster to start")
        assert f"http://127.0.0.1:{port}" in output.read_text()
        assert requests.get(f"http://127.0.0.1:{port}/ready", timeout=PATIENCE).status_code == 200
        pids = [int(line.split()[-1]) for line in output.read_text().splitlines()[1:3]]
        os.kill(pids[0], signal.SIGKILL)
        wait_until(lambda: "server1 ended with -9" in output.read_text(), "it to be noticed")
        command.send_signal(signal.SIGINT)
        assert command.wait(PATIENCE) == 0
    finally:
        if command.poll() is None:
            command.kill()
            command.wait()
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://127.0.0.1:{port}/ready", timeout=PATIENCE)
    with pytest.raises(ProcessLookupError):
        os.kill(pids[1], 0)
    assert "drained in" in (tmp_path / "cluster" / "server2.log").read_text()
