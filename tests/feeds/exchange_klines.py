"""What the local exchange plays, and the klines that come of it."""

import gzip
import json
import threading
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

MINUTE_MS = 60_000
INTERVALS = {"1m": MINUTE_MS, "1h": 60 * MINUTE_MS, "1d": 1_440 * MINUTE_MS}

Frame = tuple[int, str]  # the instant it was sent, UTC milliseconds; the text
Kline = list  # of the exchange's REST answer


def read_frames(path: str | Path) -> list[Frame]:
    """Frames of a recording with `<local ns> <json>` lines, gzip or not. A frame without an
    instant of its own goes with the one before it."""
    opener = gzip.open if str(path).endswith(".gz") else open
    frames: list[Frame] = []
    sent_ms = 0
    with opener(path, "rt") as file:
        for line in file:
            text = line[line.index("{") :].strip()
            data = json.loads(text)
            sent_ms = max(sent_ms, data.get("data", data).get("E", sent_ms))
            frames.append((sent_ms, text))
    first = next(sent_ms for sent_ms, _ in frames if sent_ms)
    return [(max(sent_ms, first), text) for sent_ms, text in frames]


class Klines:
    """One-minute klines of each pair, from made-up history and from the trades played."""

    def __init__(self, frames: list[Frame], history_minutes: int) -> None:
        self._minutes: dict[str, dict[int, Kline]] = {}
        self._lock = threading.Lock()
        begin = frames[0][0] - frames[0][0] % MINUTE_MS
        for trade in trades_of(frames):
            if trade["s"] not in self._minutes:
                self._minutes[trade["s"]] = {
                    minute: _made_up_kline(minute, Decimal(trade["p"]))
                    for minute in range(begin - history_minutes * MINUTE_MS, begin, MINUTE_MS)
                }

    def add(self, trade: dict) -> None:
        price, quantity = Decimal(trade["p"]), Decimal(trade["q"])
        minute = trade["T"] - trade["T"] % MINUTE_MS
        with self._lock:
            row = self._minutes[trade["s"]].setdefault(minute, _kline(minute, price))
            row[2], row[3], row[4] = max(row[2], price), min(row[3], price), price
            row[5] += quantity
            row[7] += price * quantity
            row[8] += 1

    def rows(self, pair: str, until_ms: int) -> list[list]:
        """Every minute up to the one that holds `until_ms`; flat ones where nobody traded.

        Raises KeyError for a pair that is not listed.
        """
        with self._lock:
            known = dict(self._minutes[pair])
        rows, minute = [], min(known, default=until_ms + MINUTE_MS)
        while minute <= until_ms:
            row = known.get(minute) or _kline(minute, rows[-1][4])
            rows.append(list(row))
            minute += MINUTE_MS
        return [
            [f"{field:.8f}" if isinstance(field, Decimal) else field for field in row]
            for row in rows
        ]


def longer(rows: list[Kline], interval: str) -> list[Kline]:
    """Klines of a longer interval than the minutes in `rows`, as REST answers give both."""
    length = INTERVALS[interval]
    rolled: list[Kline] = []
    for row in rows:
        begin = row[0] - row[0] % length
        if not rolled or rolled[-1][0] != begin:
            rolled.append([begin, *row[1:6], begin + length - 1, *row[7:]])
            continue
        last = rolled[-1]
        last[2] = max(last[2], row[2], key=Decimal)
        last[3] = min(last[3], row[3], key=Decimal)
        last[4] = row[4]
        for column in (5, 7):
            last[column] = f"{Decimal(last[column]) + Decimal(row[column]):.8f}"
    return rolled


def _kline(minute: int, price: Decimal) -> Kline:
    zero = Decimal(0)
    return [
        minute,
        price,
        price,
        price,
        price,
        zero,
        minute + MINUTE_MS - 1,
        zero,
        0,
        zero,
        zero,
        "0",
    ]


def _made_up_kline(minute: int, price: Decimal) -> Kline:
    number = minute // MINUTE_MS
    row = _kline(minute, price * (1000 + number % 7) / 1000)
    row[2], row[5], row[7], row[8] = row[4] * 2, Decimal(number % 5), row[4] * (number % 5), 5
    return row


def trades_of(frames: list[Frame]) -> Iterator[dict]:
    """The trade messages among frames, whether combined or raw."""
    for _, text in frames:
        if '"e":"trade"' in text:
            message = json.loads(text)
            yield message.get("data", message)
