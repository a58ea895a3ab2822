"""Recordings to replay, and what became of one that was."""

import gzip

import numpy as np
import orjson

from backend.feeds.recording import encode_event
from backend.feeds.replay import ReplayFeed
from backend.market.market import Market
from tests.servers import SHARED_DATA

MINUTE = 60_000
START = 1_613_692_800_000
HEADER = "open_time_ms,open,high,low,close,volume"
WEEK = SHARED_DATA / "candles" / "BTC-USDT-1m-2021-02-19-week.csv.gz"
FRAMES = SHARED_DATA / "frames" / "binance-spot-btcusdt-2024-08-08.txt.gz"


def candle_lines(count, seed=0, first=0):
    random = np.random.default_rng(seed)
    closes = 100 * np.exp(np.cumsum(random.normal(0, 0.001, count)))
    opens = np.append(100.0, closes[:-1])
    return [
        f"{START + (first + i) * MINUTE},{opens[i]!r},{max(opens[i], closes[i])!r},"
        f"{min(opens[i], closes[i])!r},{closes[i]!r},{random.uniform(1, 10)!r}".replace(
            "np.float64(", ""
        ).replace(")", "")
        for i in range(count)
    ]


def write(path, lines):
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "wt") as file:
        file.write("\n".join(lines) + "\n")
    return path


def frame(number, offset_ms, price, quantity="1.00", arrived_ms=None):
    """A trade as the exchange frames it, behind the local time of its arrival."""
    time_ms = START + offset_ms
    data = {
        "e": "trade",
        "E": time_ms,
        "s": "BTCUSDT",
        "t": number,
        "p": price,
        "q": quantity,
        "T": time_ms,
    }
    stamp = (START + offset_ms if arrived_ms is None else arrived_ms) * 1_000_000
    return f"{stamp} {orjson.dumps({'stream': 'btcusdt@trade', 'data': data}).decode()}"


def recorded(offset_ms, event):
    return f"{(START + offset_ms) * 1_000_000} {encode_event(event).decode()}"


class Played:
    """A market that was fed by a replay to its end, or for some seconds of the manual clock."""

    def __init__(self, clock, path, *, symbols=("BTC",), seconds=None, market=None, **options):
        self.clock = clock
        self.market = market or Market(symbols, clock, "replay")
        self.sleeps: list[float] = []
        self.until = None if seconds is None else clock.monotonic() + seconds
        options.setdefault("speed", 1_000_000)
        self.feed = ReplayFeed(path, self.market, clock, sleep=self.sleep, **options)
        self.feed.run()

    def sleep(self, seconds):
        self.sleeps.append(seconds)
        self.clock.advance(seconds or 0.0001)
        if self.until is not None and self.clock.monotonic() >= self.until:
            self.feed.stop()
