"""Killed in the middle of writing, again and again: nothing that was stored is lost or changed."""

import random
from pathlib import Path

import numpy as np
import pytest

from backend.clock import MINUTE_MS
from backend.history.archive import Archive
from backend.market.candles import INTERVALS, roll_up
from backend.market.models import OPEN_TIME, CandleArray
from backend.storage.database import Database
from tests.conftest import StartServer
from tests.history.conftest import url_of
from tests.history.writing_process import BATCH, truth
from tests.killed import run_and_kill
from tests.servers import Server, wait_until
from tests.silent_feeds import SilentFeed

WRITER = "tests.history.writing_process"
SYMBOLS = ("BTC", "ETH", "SOL")
EVER = 10**6
# What a process may get to do before it is killed, in lines that it prints.
LINES_MAX = 60

kinds = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


def assert_whole(archive: Archive, symbol: str, true: CandleArray, settled: int) -> None:
    """Every minute once, in order, those that are settled as the exchange has them."""
    minutes = archive.read(SilentFeed.name, symbol, "1m", EVER)
    assert len(minutes) >= settled
    assert np.array_equal(minutes[:, OPEN_TIME], true[: len(minutes), OPEN_TIME])
    assert np.array_equal(minutes[:settled], true[:settled])
    for interval, interval_ms in INTERVALS.items():
        stored = archive.read(SilentFeed.name, symbol, interval, EVER)
        assert np.array_equal(stored, roll_up(minutes, interval_ms)), interval


def kill_often(url: str, times: int) -> None:
    true = truth()
    chance = random.Random(times)
    database = Database(url)
    settled = 0
    for _ in range(times):
        said = run_and_kill(WRITER, url, ",".join(SYMBOLS), lines_max=LINES_MAX, chance=chance)
        settled = max([settled, *said])
        database.migrate()  # which looks whether an SQLite file is whole
        for symbol in SYMBOLS:
            assert_whole(Archive(database), symbol, true, settled)
    database.close()
    assert settled > times * BATCH


@pytest.mark.served
@kinds
def test_three_kills_lose_nothing_that_was_stored(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kill_often(url_of(kind, request, tmp_path), 3)


@pytest.mark.soak
@pytest.mark.served
@kinds
def test_fifty_kills_lose_nothing_that_was_stored(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    kill_often(url_of(kind, request, tmp_path), 50)


def candles(server: Server, interval: str, **query: str) -> list[dict[str, object]]:
    asked = "&".join(f"{name}={value}" for name, value in query.items())
    path = f"/api/market/candles?symbol=ETH&interval={interval}&limit=1500&{asked}"
    answer = server.get(path)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["candles"]
    return found


@kinds
def test_a_killed_server_comes_back_with_its_candles_and_fills_the_gap(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path, start_server: StartServer
) -> None:
    url = url_of(kind, request, tmp_path)
    options = {"DATABASE_URL": url, "SYMBOLS": ",".join(SYMBOLS)}
    first = start_server(**options)
    wait_until(lambda: len(candles(first, "1d")) > 700, "the years before")
    before = candles(first, "1h"), candles(first, "1m")[:-1]
    minutes_stored = len(SYMBOLS) * 2_880
    wait_until(lambda: first.metric("crs_candles_stored_total") >= minutes_stored, "the minutes")
    first.process.kill()
    first.process.wait()
    second = start_server(**options, SIMULATION_SEED="2")
    minutes = wait_until(
        lambda: (found := candles(second, "1m"))[-1]["time"] > before[1][-1]["time"] and found,
        "a later minute",
    )
    stamps = np.array([np.datetime64(str(each["time"])[:-1], "ms") for each in minutes])
    assert (np.diff(stamps).astype(int) == MINUTE_MS).all()
    known = {each["time"]: each for each in minutes}
    assert all(known.get(each["time"], each) == each for each in before[1])
    hours = {each["time"]: each for each in candles(second, "1h")}
    assert all(hours.get(each["time"], each) == each for each in before[0][:-1])
