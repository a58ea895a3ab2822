"""Several processes on this machine, as they would be deployed: `make cluster`.

    python -m scripts.cluster [FOLDER]

Starts Redis, PROCESSES servers (3) that share it, and nginx in front of them on PORT (5000); says
where to go, and ends everything on Ctrl-C. Settings are those of the server, from the environment
or `.env`; with REDIS_URL that Redis is used. Logs are in the folder, `instance/cluster` if none is
named. A server that ends is started again, so that one can look what happens then: `kill -9` it.
"""

import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from dotenv import load_dotenv

from scripts import nginx
from scripts.check import install

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
# A start takes two seconds, the first of all some more for the database.
START_SECONDS = 60.0
LOOK_SECONDS = 0.1
# A server ends within ten seconds.
END_SECONDS = 12.0
# As systemd waits (deploy/systemd).
RESTART_SECONDS = 1.0
PR_SET_PDEATHSIG = 1


class Failed(Exception):
    """The cluster can't be started; the message says why."""


class Program:
    """A child that ends with this process, and whose output goes to a file of its name."""

    def __init__(
        self, folder: Path, name: str, command: list[str], environment: dict[str, str]
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._folder = folder
        self._command = command
        self._environment = environment
        self.log.write_bytes(b"")
        self.start()

    def start(self) -> None:
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # Ctrl-C is for this process, which ends the others in order.
                start_new_session=True,
                preexec_fn=_end_with_parent,
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def ended(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def terminate(self) -> None:
        if self.ended() is None:
            self._process.terminate()

    def wait(self) -> None:
        """Until it has ended, by itself or not."""
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Until it is; raises `Failed` where it ends before, or takes too long."""
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self.ended() is not None or time.monotonic() > deadline:
                raise Failed(f"{self.name} did not start:\n{self.log.read_text()}")
            time.sleep(LOOK_SECONDS)


def _end_with_parent() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def is_ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{HOST}:{port}/ready", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Cluster:
    """The programs, in the order of their start."""

    def __init__(self, folder: Path, count: int, port: int) -> None:
        self._folder = folder
        self._count = count
        self._port = port
        self._beneath: list[Program] = []
        self.servers: dict[str, Program] = {}

    def start(self) -> None:
        """Start everything; raises `Failed`."""
        if listens(self._port):
            raise Failed(f"{HOST}:{self._port} is in use; stop what listens there or set PORT")
        redis_url = os.environ.get("REDIS_URL") or self._start_redis()
        ports = {str(number): free_port() for number in range(1, self._count + 1)}
        for name, port in ports.items():
            own = {
                "HOST": HOST,
                "PORT": str(port),
                "PROCESS_NAME": name,
                "REDIS_URL": redis_url,
                "TRUSTED_PROXIES": "1",
            }
            command = [sys.executable, str(ROOT / "app.py")]
            self.servers[name] = Program(self._folder, f"server{name}", command, own)
            if len(self.servers) == 1:  # makes the tables of the database
                self._wait_for(name, port)
        for name, port in ports.items():
            self._wait_for(name, port)
        addresses = {name: f"{HOST}:{port}" for name, port in ports.items()}
        site = nginx.plain_site(HOST, self._port)
        proxy = Program(
            self._folder, "nginx", nginx.prepare(self._folder / "nginx", addresses, site), {}
        )
        self._beneath.append(proxy)
        proxy.wait_until(lambda: listens(self._port))
        self._addresses = addresses

    def _start_redis(self) -> str:
        port = free_port()
        command = ["redis-server", "--port", str(port), "--bind", HOST, "--save", ""]
        redis = Program(self._folder, "redis", command, {})
        self._beneath.append(redis)
        redis.wait_until(lambda: listens(port))
        return f"redis://{HOST}:{port}/0"

    def _wait_for(self, name: str, port: int) -> None:
        self.servers[name].wait_until(lambda: is_ready(port))

    def describe(self) -> str:
        lines = [
            f"  {server.name} at http://{self._addresses[name]}, process {server.pid}"
            for name, server in self.servers.items()
        ]
        return "\n".join(
            (
                f"CRS is ready at http://{HOST}:{self._port}, served by",
                *lines,
                f"Logs: {self._folder}",
            )
        )

    def look_after(self) -> None:
        """Start again what has ended; for ever."""
        while True:
            time.sleep(RESTART_SECONDS)
            for server in self.servers.values():
                status = server.ended()
                if status is not None:
                    server.start()
                    again = f"it is process {server.pid} now"
                    print(f"{server.name} ended with {status}; {again}", flush=True)

    def stop(self) -> None:
        """End everything: first the servers, which say farewell to their clients."""
        for programs in (list(self.servers.values()), self._beneath):
            for program in programs:
                program.terminate()
            for program in programs:
                program.wait()


def main() -> int:
    load_dotenv(ROOT / ".env")
    missing = install("redis-server", "nginx")
    if missing:
        print("\n".join(missing), file=sys.stderr)
        return 1
    folder = Path(sys.argv[1] if sys.argv[1:] else ROOT / "instance" / "cluster").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    count, port = os.environ.get("PROCESSES", "3"), os.environ.get("PORT", "5000")
    cluster = Cluster(folder, int(count), int(port))
    try:
        cluster.start()
        print(cluster.describe(), flush=True)
        cluster.look_after()
    except Failed as failed:
        print(failed, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("ending", flush=True)
    finally:
        cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
