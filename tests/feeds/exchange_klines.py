"""What a local exchange plays, and the candles that come of it."""

import gzip
import json
import threading
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

MINUTE_MS = 60_000
INTERVALS = {"1m": MINUTE_MS, "1h": 60 * MINUTE_MS, "1d": 1_440 * MINUTE_MS}

Frame = tuple[int, str]  # the instant it was sent, UTC milliseconds; the text
# Open time, open, high, low, close, volume, quote volume, number of trades.
Row = list


class PlayedTrade(NamedTuple):
    """A trade among the frames, whatever the exchange's words for it are."""

    symbol: str
    trade_id: int
    price: Decimal
    quantity: Decimal
    time_ms: int


def milliseconds(timestamp: str) -> int:
    """UTC milliseconds of an ISO 8601 time."""
    return int(datetime.fromisoformat(timestamp).timestamp() * 1000)


def timestamp(time_ms: int) -> str:
    """An ISO 8601 time with microseconds, as exchanges write it."""
    return f"{datetime.fromtimestamp(time_ms / 1000, UTC):%Y-%m-%dT%H:%M:%S.%f}Z"


def read_frames(path: str | Path) -> list[Frame]:
    """Frames of a recording with `<local ns> <json>` lines, gzip or not. A frame without an
    instant of its own goes with the one before it."""
    opener = gzip.open if str(path).endswith(".gz") else open
    frames: list[Frame] = []
    sent_ms = 0
    with opener(path, "rt") as file:
        for line in file:
            text = line[line.index("{") :].strip()
            message = json.loads(text)
            data = message.get("data", message)
            own_ms = milliseconds(data["time"]) if "time" in data else data.get("E", sent_ms)
            sent_ms = max(sent_ms, own_ms)
            frames.append((sent_ms, text))
    first = next(sent_ms for sent_ms, _ in frames if sent_ms)
    return [(max(sent_ms, first), text) for sent_ms, text in frames]


class Klines:
    """One-minute candles of each symbol, from made-up history and from the trades played."""

    def __init__(self, begin_ms: int, trades: Iterable[PlayedTrade], history_minutes: int) -> None:
        self._minutes: dict[str, dict[int, Row]] = {}
        self._lock = threading.Lock()
        begin = begin_ms - begin_ms % MINUTE_MS
        for trade in trades:
            if trade.symbol not in self._minutes:
                self._minutes[trade.symbol] = {
                    minute: _made_up_row(minute, trade.price)
                    for minute in range(begin - history_minutes * MINUTE_MS, begin, MINUTE_MS)
                }

    @property
    def symbols(self) -> list[str]:
        """What the exchange lists."""
        return list(self._minutes)

    def add(self, trade: PlayedTrade) -> None:
        price, quantity = trade.price, trade.quantity
        minute = trade.time_ms - trade.time_ms % MINUTE_MS
        with self._lock:
            row = self._minutes[trade.symbol].setdefault(minute, _flat_row(minute, price))
            row[2], row[3], row[4] = max(row[2], price), min(row[3], price), price
            row[5] += quantity
            row[6] += price * quantity
            row[7] += 1

    def rows(self, symbol: str, until_ms: int, every_minute: bool = True) -> list[Row]:
        """Minutes up to the one that holds `until_ms`; flat ones where nobody traded, if wanted.

        Raises KeyError for a symbol that is not listed.
        """
        with self._lock:
            known = dict(self._minutes[symbol])
        rows, minute = [], min(known, default=until_ms + MINUTE_MS)
        while minute <= until_ms:
            if minute in known or every_minute:
                rows.append(list(known.get(minute) or _flat_row(minute, rows[-1][4])))
            minute += MINUTE_MS
        return rows


def longer(rows: list[Row], interval: str) -> list[Row]:
    """Rows of a longer interval than the minutes in `rows`."""
    length = INTERVALS[interval]
    rolled: list[Row] = []
    for row in rows:
        begin = row[0] - row[0] % length
        if not rolled or rolled[-1][0] != begin:
            rolled.append([begin, *row[1:]])
            continue
        last = rolled[-1]
        last[2], last[3], last[4] = max(last[2], row[2]), min(last[3], row[3]), row[4]
        for column in (5, 6, 7):
            last[column] += row[column]
    return rolled


def _flat_row(minute: int, price: Decimal) -> Row:
    return [minute, price, price, price, price, Decimal(0), Decimal(0), 0]


def _made_up_row(minute: int, price: Decimal) -> Row:
    number = minute // MINUTE_MS
    made_up = price * (1000 + number % 7) / 1000
    row = _flat_row(minute, made_up.quantize(Decimal("1e-8")))
    row[2], row[5], row[6], row[7] = row[4] * 2, Decimal(number % 5), row[4] * (number % 5), 5
    return row
