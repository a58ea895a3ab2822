"""One Redis for the tests of a file, which each of them finds empty."""

import pytest

from tests.redis_server import Redis


@pytest.fixture
def redis(redis_for_all: Redis) -> Redis:
    redis_for_all.command("flushall")
    return redis_for_all
