"""Levels of real servers: what clients are told, what REST answers, and what outlives a restart."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from backend.market.candles import INTERVALS
from tests.conftest import Connect, StartServer
from tests.servers import Server, wait_until


def ratings(server: Server, symbol: str = "BTC") -> dict[str, Any]:
    found: dict[str, Any] = server.get(f"/api/ratings?symbol={symbol}").json()["ratings"]
    return found


def tally(server: Server) -> dict[str, int]:
    """Of the 90 % ranges of an hour: how many held, of how many."""
    found: dict[str, int] = server.get("/api/forecast").json()["coverage"]["1h"]["90"]
    return found


def kept(path: Path, learner: str, symbol: str = "BTC") -> dict[str, Any]:
    with closing(sqlite3.connect(path)) as connection:
        ((state,),) = connection.execute(
            "SELECT state FROM learnt WHERE source = 'simulated' AND learner = ? AND symbol = ?",
            (learner, symbol),
        )
    return dict(json.loads(state))


def keep(path: Path, learner: str, state: dict[str, Any], symbol: str = "BTC") -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE learnt SET state = ? WHERE learner = ? AND symbol = ?",
            (json.dumps(state), learner, symbol),
        )


@pytest.mark.parametrize("timeframe", ["5m", "4h"])
def test_a_signal_speaks_of_the_timeframe_that_is_set_at_the_level_that_rest_answers(
    start_server: StartServer, connect: Connect, timeframe: str
) -> None:
    server = start_server(
        SIGNAL_TIMEFRAME=timeframe,
        SIGNAL_INTERVAL="0.2",
        SYMBOLS="BTC,ETH",
        SIMULATION_DAYS="",
    )
    client = connect(to=server)
    client.emit("subscribe", {"symbols": ["BTC"]})
    signal = client.wait("trading_signal")
    assert (signal["symbol"], signal["timeframe"]) == ("BTC", timeframe)

    def same() -> bool:
        said = server.get("/api/signals?symbol=BTC&limit=1").json()["signals"][0]
        return bool(said["signal"] == ratings(server)[timeframe]["signal"])

    wait_until(same, "the level that was said")


def test_what_was_learnt_goes_on_after_a_restart(
    start_server: StartServer, connect: Connect, tmp_path: Path
) -> None:
    """A level and a tally that no history would give show that they are those of before."""
    database = tmp_path / "crs.db"
    options = {
        "DATABASE_URL": f"sqlite:///{database}",
        "SIGNAL_TIMEFRAME": "1d",
        "SIGNAL_INTERVAL": "0.2",
        "SYMBOLS": "BTC",
        "SIMULATION_DAYS": "",
    }
    first = start_server(**options)
    wait_until(lambda: all(ratings(first).values()), "every timeframe to be rated")
    wait_until(lambda: tally(first)["total"] > 1_000, "ranges of the history to be checked")
    assert first.stop() == 0
    learnt, ranges = kept(database, "signals"), kept(database, "forecast")
    assert list(learnt["levels"]) == list(INTERVALS)
    before = sum(ranges["horizons"]["1h"]["totals"])
    level = "STRONG_SELL" if learnt["levels"]["1d"][0] != "STRONG_SELL" else "STRONG_BUY"
    learnt["levels"]["1d"] = [level, 0]
    ranges["horizons"]["1h"]["totals"][-1] += 500
    keep(database, "signals", learnt)
    keep(database, "forecast", ranges)
    again = start_server(**options)
    client = connect(to=again)
    client.emit("subscribe", {"symbols": ["BTC"]})
    assert client.wait("trading_signal")["signal"] == level
    wait_until(lambda: ratings(again)["1d"]["signal"] == level, "the level of before")
    total = before // 2 + 500
    wait_until(lambda: tally(again)["total"] >= total, "the tally of before")
    # A few ranges may have come due meanwhile, and no minute was gone through twice.
    assert tally(again)["total"] <= total + 2
    assert again.stop() == 0
    assert kept(database, "signals")["levels"]["1d"][0] == level
