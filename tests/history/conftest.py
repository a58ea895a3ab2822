"""Candles to store, and where to: both kinds of database, as the tests of storage have them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.history.archive import Archive
from backend.market.models import CandleArray
from backend.offload import Overloaded
from backend.storage.database import Database
from tests.clocks import ManualClock
from tests.storage.conftest import postgresql, postgresql_url

__all__ = ["postgresql", "postgresql_url"]

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
# A Monday at midnight, UTC.
START = 1_699_833_600_000


def made_up(start_ms: int, count: int, step_ms: int = MINUTE, seed: int = 1) -> CandleArray:
    """Candles that follow each other; volumes of few digits, so that their sums are exact."""
    random = np.random.default_rng(seed)
    closes = 100 + random.integers(-999, 999, count) / 64
    opens = np.concatenate(([100.0], closes))[:count]
    highs, lows = np.maximum(opens, closes) + 1, np.minimum(opens, closes) - 1
    volumes = random.integers(0, 999, (2, count)) / 8.0
    times = start_ms + step_ms * np.arange(count, dtype=float)
    return np.column_stack([times, opens, highs, lows, closes, *volumes])


class Inline:
    """An `Offload` that does at once what it is given."""

    def __init__(self) -> None:
        self.fault: Exception | None = None

    def _run(self, function: Any, *args: Any) -> Any:
        if self.fault is not None:
            raise self.fault
        return function(*args)

    read_candles = write_candles = run_read = run_write = _run

    def compute(self, function: Any, *args: Any) -> Any:
        if isinstance(self.fault, Overloaded):
            raise self.fault
        return function(*args)


def url_of(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a database of this kind is, of the test's own."""
    if kind == "sqlite":
        return f"sqlite:///{tmp_path}/crs.db"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.served)])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Archive]:
    """An empty archive, in either kind of database."""
    database = Database(url_of(request.param, request, tmp_path), durable=True)
    database.migrate()
    yield Archive(database)
    database.close()


@pytest.fixture
def lone_archive() -> Iterator[Archive]:
    """One in memory, for what does not depend on the database."""
    database = Database("sqlite://")
    database.migrate()
    yield Archive(database)
    database.close()
