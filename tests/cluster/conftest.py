"""Clusters of processes, which end with their test."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.processes import Cluster, Truth
from tests.redis_server import Redis
from tests.storage.conftest import postgresql, postgresql_url

__all__ = ["postgresql", "postgresql_url"]

StartCluster = Callable[..., Cluster]


@pytest.fixture
def start_cluster(tmp_path: Path, redis_server: Redis) -> Iterator[StartCluster]:
    """Starts so many processes on one Redis, with settings and what else `Cluster` takes."""
    made: list[Cluster] = []

    def start(count: int, to: Redis | None = None, **options: Any) -> Cluster:
        made.append(Cluster(tmp_path, to or redis_server, count, **options))
        made[-1].leader()
        return made[-1]

    yield start
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory, redis_for_all: Redis) -> Iterator[Cluster]:
    """Three processes for the tests of a module that do them no harm."""
    with closing(Cluster(tmp_path_factory.mktemp("cluster"), redis_for_all, 3)) as cluster:
        cluster.leader()
        yield cluster


@pytest.fixture
def truth(redis_server: Redis) -> Truth:
    return Truth(redis_server)
