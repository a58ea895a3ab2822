"""One Redis for the tests of a file, which each of them finds empty."""

from collections.abc import Iterator

import pytest

from tests.redis_server import Redis, redis_server


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    yield from redis_server(tmp_path_factory.mktemp("redis"))


@pytest.fixture
def redis(running: Redis) -> Redis:
    running.command("flushall")
    return running
