"""Several server processes on one Redis, and what can happen to them."""

import signal
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from backend.journal.redis_scripts import SAID
from tests.cluster.proxy import Proxy
from tests.redis_server import Redis
from tests.servers import APP, PATIENCE, Server, lasting_port, start, wait_until, wait_until_ready


class Cluster:
    """Processes by number, each with a port that it comes back to; in front of them, where that is
    asked for, the proxy that they would have."""

    def __init__(
        self,
        folder: Path,
        shared: Redis,
        count: int,
        proxied: bool = False,
        program: Path = APP,
        **environment: str,
    ) -> None:
        self.redis = shared
        self.proxy: Proxy | None = None
        self._folder = folder
        self._program = program
        self._ports = [lasting_port() for _ in range(count)]
        self._environment = {
            "REDIS_URL": shared.url,
            "DATABASE_URL": f"sqlite:///{folder}/crs.db",
            "MARKET_INTERVAL": "0.4",
            "SENTIMENT_INTERVAL": "0.2",
            "SIGNAL_INTERVAL": "0.2",
            **environment,
        }
        # All have one database, and so one user that is logged in.
        self._tokens: dict[str, Any] = {}
        self.servers: list[Server] = [self._start(number) for number in range(count)]
        for server in self.servers:
            wait_until_ready(server)
        if proxied:
            self.proxy = Proxy(folder / "nginx", self.addresses(range(count)))

    @property
    def url(self) -> str:
        """Where clients find all processes: the proxy's."""
        assert self.proxy is not None
        return self.proxy.url

    @property
    def urls(self) -> list[str]:
        """Where they are by themselves."""
        return [server.url for server in self.servers]

    def addresses(self, numbers: Iterable[int]) -> dict[str, str]:
        """The addresses of processes by their names, as the proxy is told them."""
        return {_name(number): f"127.0.0.1:{self._ports[number]}" for number in numbers}

    def _start(self, number: int) -> Server:
        folder = self._folder / f"process{number}"
        folder.mkdir(exist_ok=True)
        own = {"PORT": str(self._ports[number]), "PROCESS_NAME": _name(number)}
        # Without a proxy's header an address is what it is.
        environment = {"TRUSTED_PROXIES": "1", **own, **self._environment}
        server = start(folder, program=self._program, **environment)
        server.tokens = self._tokens
        return server

    def restart(self, number: int) -> None:
        """Start a process that has ended, where it was."""
        self.servers[number] = self._start(number)
        wait_until_ready(self.servers[number])

    def kill(self, number: int) -> None:
        """End a process without a word."""
        self.servers[number].process.kill()
        self.servers[number].process.wait(PATIENCE)

    def freeze(self, number: int) -> None:
        """Stop a process where it stands."""
        self.servers[number].process.send_signal(signal.SIGSTOP)

    def wake(self, number: int) -> None:
        """Let a frozen process go on."""
        self.servers[number].process.send_signal(signal.SIGCONT)

    def alive(self) -> list[int]:
        """The numbers of those that run."""
        return [n for n, server in enumerate(self.servers) if server.process.poll() is None]

    def leaders(self, among: list[int] | None = None) -> list[int]:
        """The numbers of those that take themselves for the leader."""
        numbers = self.alive() if among is None else among
        return [n for n in numbers if self.servers[n].metric("crs_leads")]

    def leader(self, among: list[int] | None = None) -> int:
        """The number of the leader, once there is exactly one."""
        return int(wait_until(lambda: _only(self.leaders(among)), "one leader")[0])

    def wait_until_whole(self) -> None:
        """Wait until every process is healthy."""
        for number in self.alive():
            server = self.servers[number]
            wait_until(
                lambda server=server: server.get("/health").status_code == 200,
                f"process {number} to be healthy",
            )

    def answers(self, path: str) -> list[Any]:
        """What each process answers, asked at one time."""
        with ThreadPoolExecutor(len(self.servers)) as pool:
            return list(pool.map(lambda n: self.servers[n].get(path).json(), self.alive()))

    def close(self) -> None:
        """End what runs."""
        if self.proxy is not None:
            self.proxy.stop()
        for server in self.servers:
            if server.process.poll() is None:
                server.process.send_signal(signal.SIGCONT)
                server.process.kill()
                server.process.wait(PATIENCE)


def _name(number: int) -> str:
    return f"p{number}"


def _only(numbers: list[int]) -> list[int] | None:
    return numbers if len(numbers) == 1 else None


# All that was said, as the last thing before Redis forgets it.
_LAST_WORDS = (
    "local all = redis.call('XRANGE', KEYS[1], '-', '+'); redis.call('FLUSHALL'); return all"
)


class Truth:
    """All that is said, read straight from Redis: what clients are compared with."""

    def __init__(self, shared: Redis) -> None:
        # By epoch, as epochs begin: {offset: (event, topic)}.
        self.epochs: dict[str, dict[int, tuple[str, str]]] = {}
        self._shared = shared

    def read(self) -> None:
        """Note what Redis knows."""
        self._note(self._shared.command("xrange", SAID, "-", "+"))

    def stop_redis(self) -> None:
        """Have Redis end, with nothing said that was not noted."""
        self._shared.command("client", "pause", 60_000, "write")
        self.read()
        self._shared.stop()

    def flush_redis(self) -> None:
        """Have Redis forget everything, with nothing said that was not noted."""
        self._note(self._shared.command("eval", _LAST_WORDS, 1, SAID))

    def _note(self, page: list[tuple[bytes, list[bytes]]]) -> None:
        for ident, values in page:
            told = dict(zip(values[::2], values[1::2], strict=True))
            epoch = told[b"epoch"].decode().partition(":")[0]
            said = self.epochs.setdefault(epoch, {})
            said[int(ident.partition(b"-")[0])] = (
                told[b"event"].decode(),
                told[b"topic"].decode(),
            )
