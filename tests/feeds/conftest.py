"""A clock that only sleeping moves, so that hours of a feed take seconds; such an hour; local
exchanges; and what no feed may leave behind."""

import threading
from collections.abc import Iterator

import numpy as np
import psutil
import pytest

from tests.clocks import ManualClock
from tests.feeds.exchange_binance import BINANCE
from tests.feeds.exchange_dialect import Dialect
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.failover_stage import DEAR_KRAKEN
from tests.feeds.sample_frames import sample_frames
from tests.feeds.simulated_run import BEGIN_MS, HISTORY, MINUTE, SYMBOLS, Run, aligned, split
from tests.servers import wait_until


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEGIN_MS)


@pytest.fixture(scope="session")
def hour():
    """An hour of live trading after six days of history."""
    return Run(ManualClock(BEGIN_MS), 3600).run()


@pytest.fixture(scope="session")
def history(hour):
    """Log returns, and volumes, of each minute before the start."""
    start_ms = hour.started_ms - hour.started_ms % MINUTE - HISTORY * MINUTE
    found = [aligned(split(hour, symbol)[0], start_ms, HISTORY) for symbol in SYMBOLS]
    closes, volumes = (np.column_stack(each) for each in zip(*found, strict=True))
    return np.diff(closes, axis=0), volumes[1:]


@pytest.fixture
def dialect() -> Dialect:
    """What the local exchange speaks, where a module has no other one."""
    return BINANCE


@pytest.fixture
def exchange(dialect: Dialect) -> Iterator[ExchangeServer]:
    """A local exchange."""
    with ExchangeServer(sample_frames(dialect=dialect), dialect=dialect) as server:
        yield server


@pytest.fixture
def binance() -> Iterator[ExchangeServer]:
    with ExchangeServer(sample_frames(20.0, dialect=BINANCE)) as exchange:
        yield exchange


@pytest.fixture
def kraken() -> Iterator[ExchangeServer]:
    frames = sample_frames(20.0, dialect=DEAR_KRAKEN)
    with ExchangeServer(frames, dialect=DEAR_KRAKEN) as exchange:
        yield exchange


@pytest.fixture
def nothing_left_behind() -> Iterator[None]:
    """A test that uses it ends without a thread or a socket of its own."""
    process = psutil.Process()
    threads, sockets = threading.active_count(), len(process.net_connections())
    yield
    wait_until(lambda: threading.active_count() <= threads, "all threads to end")
    wait_until(lambda: len(process.net_connections()) <= sockets, "all sockets to be closed")
