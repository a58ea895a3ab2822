"""What all tests share: servers, clients, and which tests are kept apart from which."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import servers
from tests.recovering import Asking, Asks
from tests.redis_server import Redis
from tests.redis_server import redis_server as running_redis
from tests.servers import Server
from tests.stream_clients import TRANSPORTS, NodeClient, PythonClient

STACKS = {"python": PythonClient, "node": NodeClient}
# Of the server that tests share.
SHARED_SYMBOLS = ("BTC", "ETH", "SOL", "ADA")
Connect = Callable[..., Any]
StartServer = Callable[..., Server]

# How long an example takes says more about what else the machine does than about the code.
settings.register_profile("crs", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("crs")

# Fixtures that start a process. Whoever asks for one is `served`, without saying so.
SERVING = {
    "_start",
    "postgresql",
    "redis_server",
    "redis_for_all",
    "engine",
    "ours",
    "start_echo",
    "start_cluster",
    "three",
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--soak", action="store_true", help="run what takes long, and nothing else")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    soak = bool(config.getoption("--soak"))
    others = [item for item in items if bool(item.get_closest_marker("soak")) is not soak]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]
    for item in items:
        if SERVING & set(getattr(item, "fixturenames", ())):
            item.add_marker("served")


@pytest.fixture(scope="session")
def _start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartServer]:
    running: list[Server] = []

    def start(**options: Any) -> Server:
        server = servers.start(tmp_path_factory.mktemp("server"), **options)
        running.append(server)
        servers.wait_until_ready(server)
        return server

    yield start
    for server in running:
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait()


@pytest.fixture(scope="session")
def server(_start: StartServer) -> Server:
    """A server with its defaults and a quick cadence, shared by all tests that do no harm to it."""
    return _start(
        MARKET_INTERVAL="0.2",
        SENTIMENT_INTERVAL="0.4",
        SIGNAL_INTERVAL="0.4",
        SYMBOLS=",".join(SHARED_SYMBOLS),
        SIMULATION_DAYS="",
    )


@pytest.fixture
def start_server(_start: StartServer) -> Iterator[StartServer]:
    """Starts servers of a test's own, as `servers.start` does; they end with the test."""
    yield from _ending(_start)


@pytest.fixture(scope="module")
def start_for_all(_start: StartServer) -> Iterator[StartServer]:
    """Starts servers for the tests of a module that do them no harm; they end with the last."""
    yield from _ending(_start)


def start_together(start: StartServer, *each: dict[str, Any]) -> list[Server]:
    """Start servers with these options, all at a time."""
    with ThreadPoolExecutor(len(each)) as pool:
        return list(pool.map(lambda options: start(**options), each))


def _ending(start_one: StartServer) -> Iterator[StartServer]:
    mine: list[Server] = []

    def start(**options: Any) -> Server:
        mine.append(start_one(**options))
        return mine[-1]

    yield start
    for server in mine:
        if server.process.poll() is None:
            server.stop()


@pytest.fixture
def connect(server: Server) -> Iterator[Connect]:
    """Connects clients that end with the test: `connect(stack, transport, auth, server)`."""
    clients: list[Any] = []

    def start(
        stack: str = "python",
        transport: str = "websocket",
        auth: Any = "token",
        to: Server = server,
        **options: Any,
    ) -> Any:
        credentials = {"token": to.token} if auth == "token" else auth
        clients.append(STACKS[stack](to.url, credentials, transport, **options))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


@pytest.fixture
def asks() -> Iterator[Asks]:
    """Connects raw clients that ask for recovery, as `Asking` does; they end with the test."""
    clients: list[Asking] = []

    def ask(server: Server, token: str = "", **more: Any) -> Asking:
        clients.append(Asking(server, token, **more))
        return clients[-1]

    yield ask
    for client in clients:
        client.close()


@pytest.fixture(params=[(s, t) for s in STACKS for t in TRANSPORTS], ids=lambda p: "-".join(p))
def way(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Every stock client on every transport."""
    stack, transport = request.param
    return stack, transport


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[Redis]:
    """A Redis server that ends with the test."""
    yield from running_redis(tmp_path)


@pytest.fixture(scope="module")
def redis_for_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """One for the tests of a module that do it no harm."""
    yield from running_redis(tmp_path_factory.mktemp("redis"))
