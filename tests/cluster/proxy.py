"""nginx as it is deployed, before processes of a test."""

import signal
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from scripts import nginx
from tests.servers import PATIENCE, lasting_port, wait_until


class Proxy:
    """A running nginx with the files of `deploy/nginx`, for these addresses by name; `site` is its
    site.conf where it is not to be a plain one."""

    def __init__(
        self, folder: Path, processes: Mapping[str, str], site: str = "", url: str = ""
    ) -> None:
        if not nginx.PROGRAM:
            pytest.skip("nginx is not installed")
        port = lasting_port()
        self.url = url or f"http://127.0.0.1:{port}"
        self.log = folder / "log"
        self._processes = folder / "processes.conf"
        command = nginx.prepare(folder, processes, site or nginx.plain_site("127.0.0.1", port))
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        wait_until(self._answers, "nginx to start")

    def lead_to(self, processes: Mapping[str, str], leaving: Mapping[str, str]) -> None:
        """Send new sessions to these processes, as `nginx -s reload` does; those that are open
        stay where they are, also those of who is leaving."""
        self._processes.write_text(nginx.processes_conf(processes, leaving))
        self._process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        """End it, and with it every connection through it."""
        self._process.terminate()
        self._process.wait(PATIENCE)

    def _answers(self) -> bool:
        if self._process.poll() is not None:
            pytest.fail(f"nginx ended with {self._process.returncode}:\n{self.log.read_text()}")
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", int(self.url.rsplit(":", 1)[1]))) == 0
