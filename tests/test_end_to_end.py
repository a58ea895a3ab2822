"""Real market data through the whole server: what clients see is what the data say."""

import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import StartServer
from tests.feeds.exchange_klines import read_frames
from tests.feeds.exchange_server import ExchangeServer
from tests.servers import SHARED_DATA, Server, wait_until
from tests.stream_clients import PythonClient

FRAMES = SHARED_DATA / "frames" / "binance-spot-btcusdt-2024-08-08.txt.gz"
WEEK = SHARED_DATA / "candles" / "BTC-USDT-1m-2021-02-19-week.csv.gz"
DAY = 1440
CUTS = 3


def milliseconds(timestamp: str) -> int:
    return round(datetime.fromisoformat(timestamp).timestamp() * 1000)


@pytest.fixture
def exchange() -> Iterator[ExchangeServer]:
    if not FRAMES.exists():
        pytest.skip("the recorded frames are not here")
    with ExchangeServer(read_frames(FRAMES), speed=40.0) as running:
        yield running


def cut_while_live(exchange: ExchangeServer, server: Server, cuts: int) -> None:
    """Cut the stream so often in its course, each time when the server hears it again."""

    def feed() -> dict[str, Any]:
        return server.get("/health").json()["feed"]

    def losses() -> int:
        return [change["state"] for change in feed()["history"]].count("reconnecting")

    for number in range(1, cuts + 1):
        part = len(exchange.frames) * number // (2 * cuts)
        wait_until(lambda part=part: exchange.position >= part, "the frames before a cut")
        wait_until(lambda: feed()["state"] == "live", "the feed to be live")
        exchange.cut()
        wait_until(lambda number=number: losses() == number, "the cut to be noticed")


def trades_of(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt") as file:
        texts = (line.split(" ", 1)[1] for line in file)
        messages = (json.loads(text) for text in texts if '"e":"trade"' in text)
        return [message["data"] for message in messages]


def test_recorded_frames_reach_clients_unchanged_though_the_connection_is_cut(
    exchange: ExchangeServer, start_server: StartServer
) -> None:
    server = start_server(
        MARKET_FEED="binance",
        SYMBOLS="BTC",
        MARKET_INTERVAL="0.2",
        BINANCE_WS_URL=exchange.ws_url,
        BINANCE_REST_URL=exchange.rest_url,
    )
    client = PythonClient(server.url, {"token": server.token})
    try:
        client.emit("subscribe", {"symbols": ["BTC"], "realtime": True})
        cut_while_live(exchange, server, CUTS)
        wait_until(exchange.finished.is_set, "the frames to be played")
        trades = trades_of(FRAMES)
        last = trades[-1]
        client.wait(
            "market_update",
            lambda update: milliseconds(update["BTC"]["timestamp"]) == last["T"],
        )
    finally:
        client.close()

    prices = defaultdict(set)
    for trade in trades:
        prices[trade["T"]].add(float(trade["p"]))
    quotes = [update["BTC"] for update in client.all("market_update")]
    seen = [(quote["timestamp"], quote["price"]) for quote in quotes]
    seen += [(update["timestamp"], update["price"]) for update in client.all("price_update")]
    # History brings the price before the first trade.
    played = [(t, p) for t, p in seen if milliseconds(t) >= trades[0]["T"]]
    assert len(played) > 50
    assert all(price in prices[milliseconds(time)] for time, price in played)

    # The minutes that the cuts damaged are healed from the exchange's own candles.
    expected = minutes_of(trades)
    closed = sorted(expected)[1:-1]  # the first began before the recording

    def healed() -> bool:
        found = {
            milliseconds(candle["time"]): candle
            for candle in server.get("/api/market/candles?symbol=BTC&limit=20").json()["candles"]
        }
        return all(
            minute in found
            and all(
                found[minute][name] == pytest.approx(value, rel=1e-9)
                for name, value in expected[minute].items()
            )
            for minute in closed
        )

    wait_until(healed, "every closed candle to equal the frames'")


def minutes_of(trades: list[dict[str, Any]]) -> dict[int, dict[str, float]]:
    grouped: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for trade in trades:
        grouped[trade["T"] // 60_000 * 60_000].append(trade)
    found = {}
    for minute, members in grouped.items():
        prices = [float(member["p"]) for member in members]
        found[minute] = {
            "open": prices[0],
            "high": max(prices),
            "low": min(prices),
            "close": prices[-1],
            "volume": sum(float(member["q"]) for member in members),
            "quote_volume": sum(float(m["p"]) * float(m["q"]) for m in members),
        }
    return found


def test_a_replayed_week_has_the_figures_of_its_file(start_server: StartServer) -> None:
    if not WEEK.exists():
        pytest.skip("the recorded candles are not here")
    server = start_server(
        MARKET_FEED=f"replay:{WEEK}", REPLAY_SPEED="150000", SYMBOLS="BTC", MARKET_INTERVAL="0.02"
    )
    client = PythonClient(server.url, {"token": server.token})
    try:
        client.emit("subscribe", {"symbols": ["BTC"]})
        health = lambda: server.get("/health").json()["feed"]["state"]  # noqa: E731
        wait_until(lambda: health() == "ended", "the end of the recording")
    finally:
        client.close()

    with gzip.open(WEEK, "rt") as file:
        rows = np.array([[float(cell) for cell in row] for row in list(csv.reader(file))[1:]])
    opens, closes, volumes = rows[:, 0], rows[:, 4], rows[:, 4] * rows[:, 5]
    quotes = [update["BTC"] for update in client.all("market_update")]
    assert len({quote["timestamp"] for quote in quotes}) > 50
    for quote in quotes:
        at = int(np.searchsorted(opens, milliseconds(quote["timestamp"]), side="right")) - 1
        assert milliseconds(quote["timestamp"]) == opens[at] + 59_999
        assert quote["price"] == closes[at]
        assert quote["volume_24h"] == pytest.approx(
            volumes[max(0, at - DAY + 1) : at + 1].sum(), abs=0.006
        )
        if at >= DAY:
            change = (closes[at] / closes[at - DAY] - 1) * 100
            assert quote["change_24h"] == pytest.approx(change, abs=0.0001)
    check_candles(server, rows)


def check_candles(server: Server, rows: np.ndarray) -> None:
    answer = server.get("/api/market/candles?symbol=BTC&interval=1m&limit=1500").json()
    assert len(answer["candles"]) == 1500
    for candle, row in zip(answer["candles"], rows[-1500:], strict=True):
        found = [candle[name] for name in ("open", "high", "low", "close", "volume")]
        assert milliseconds(candle["time"]) == row[0]
        assert found == row[1:6].tolist()
    hours = server.get("/api/market/candles?symbol=BTC&interval=1h&limit=100").json()["candles"]
    for candle in hours:
        start = milliseconds(candle["time"])
        members = rows[(rows[:, 0] >= start) & (rows[:, 0] < start + 3_600_000)]
        assert candle["open"] == members[0, 1] and candle["close"] == members[-1, 4]
        assert candle["high"] == members[:, 2].max() and candle["low"] == members[:, 3].min()
        assert candle["volume"] == pytest.approx(members[:, 5].sum())
