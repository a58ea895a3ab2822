"""Looks at a server from outside, in a process of its own: `watcher PORT PID`.

Reads one JSON object from standard input, `{"username", "password", "sources": [...]}`, and says
`ready`. From then on it asks `/health` and logs in, from these addresses in turn, looks at the
server's memory, and notes by how much the machine itself is late. Each further line is answered
with what it has seen since the last one: a JSON object of `Seen`'s fields. The end of the input
ends it.
"""

import itertools
import json
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from http.client import HTTPConnection, HTTPException

from benchmarks.machine import rss_bytes

HEALTH_SECONDS = 0.1
LOGIN_SECONDS = 0.4
MEMORY_SECONDS = 0.1
METRONOME_SECONDS = 0.01
# Who waits longer has been refused.
TIMEOUT_SECONDS = 15.0
# The status of a request that was not answered.
UNANSWERED = 0


@dataclass
class Seen:
    """Times are `time.perf_counter` of the request; answers are (when, seconds, status)."""

    health: list[tuple[float, float, int]] = field(default_factory=list)
    logins: list[tuple[float, float, int]] = field(default_factory=list)
    # (when, resident bytes)
    memory: list[tuple[float, int]] = field(default_factory=list)
    # (when, seconds that a sleep was too long)
    oversleep: list[tuple[float, float]] = field(default_factory=list)


class Watcher:
    def __init__(self, port: int, pid: int, account: dict[str, str], sources: list[str]) -> None:
        self.seen = Seen()
        self._port = port
        self._pid = pid
        self._account = json.dumps(account)
        self._sources = itertools.cycle(sources)
        self._over = threading.Event()

    def run(self) -> None:
        """Watch, and report, until standard input ends."""
        watches: list[tuple[Callable[[], None], float]] = [
            (self._health, HEALTH_SECONDS),
            (self._login, LOGIN_SECONDS),
            (self._memory, MEMORY_SECONDS),
            (self._metronome, 0),
        ]
        threads = [threading.Thread(target=self._repeat, args=watch) for watch in watches]
        for thread in threads:
            thread.start()
        for _ in sys.stdin:
            seen, self.seen = self.seen, Seen()
            print(json.dumps(asdict(seen)), flush=True)
        self._over.set()
        for thread in threads:
            thread.join()

    def _repeat(self, watch: Callable[[], None], seconds: float) -> None:
        while not self._over.wait(seconds):
            watch()

    def _health(self) -> None:
        self.seen.health.append(self._ask("GET", "/health", None))

    def _login(self) -> None:
        self.seen.logins.append(self._ask("POST", "/api/auth/login", self._account))

    def _memory(self) -> None:
        try:
            self.seen.memory.append((time.perf_counter(), rss_bytes(self._pid)))
        except (FileNotFoundError, ProcessLookupError):
            self._over.set()  # the server has ended, which others will notice

    def _metronome(self) -> None:
        before = time.perf_counter()
        time.sleep(METRONOME_SECONDS)
        self.seen.oversleep.append((before, time.perf_counter() - before - METRONOME_SECONDS))

    def _ask(self, method: str, path: str, body: str | None) -> tuple[float, float, int]:
        began = time.perf_counter()
        connection = HTTPConnection(
            "127.0.0.1",
            self._port,
            timeout=TIMEOUT_SECONDS,
            source_address=(next(self._sources), 0),
        )
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            status = answer.status
        except (OSError, HTTPException):
            status = UNANSWERED
        finally:
            connection.close()
        return began, time.perf_counter() - began, status


def main() -> None:
    asked = json.loads(sys.stdin.readline())
    sources = asked.pop("sources")
    watcher = Watcher(int(sys.argv[1]), int(sys.argv[2]), asked, sources)
    print("ready", flush=True)
    watcher.run()


if __name__ == "__main__":
    main()
