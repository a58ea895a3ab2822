"""What of a market's candles is not stored yet."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from backend.market.candles import MINUTES_KEPT, merge
from backend.market.market import Market
from backend.market.models import OPEN_TIME, Candle, CandleArray

# Symbols in one transaction, and minutes, of which the last symbol may bring a week's more: 20 to
# 40 ms, for which a login may have to wait where the database is SQLite.
SYMBOLS_AT_ONCE = 20
MINUTES_AT_ONCE = 5_000


class Batch(NamedTuple):
    """What is to be written together: the minutes of symbols, all of one source."""

    source: str
    minutes: dict[str, CandleArray]
    # By symbol, from which time on they are all that the market has; none where it has left them.
    since_ms: Mapping[str, int]


class Unwritten:
    """Follows a market. What has to be written is known by the time from which on a symbol is: the
    candles themselves are in the market. Only those of a source that a symbol has left are not,
    and are held here: a week of each at most.
    """

    def __init__(self, market: Market) -> None:
        self._market = market
        self._since: dict[str, int] = {}
        self._left: dict[tuple[str, str], CandleArray] = {}  # by source and symbol
        self._unsubscribe: list[Callable[[], None]] = []

    def follow(self) -> None:
        """Note from now on what changes."""
        self._unsubscribe = [
            self._market.on_candle(self._note_candle),
            self._market.on_history(self.note),
            self._market.on_source(self._note_leaving),
        ]

    def close(self) -> None:
        """Follow the market no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    def __bool__(self) -> bool:
        return bool(self._since or self._left)

    def note(self, symbol: str, since_ms: int) -> None:
        """The symbol's minutes from then on are to be written."""
        self._since[symbol] = min(since_ms, self._since.get(symbol, since_ms))

    def take(self) -> Batch:
        """What is to be written next, which counts as written then. What was left is the older,
        and so comes first."""
        if self._left:
            (source, symbol), minutes = self._left.popitem()
            return Batch(source, {symbol: minutes}, {})
        batch = Batch(self._market.source(next(iter(self._since))), {}, taken := {})
        for symbol in list(self._since):
            if self._market.source(symbol) != batch.source:
                continue
            taken[symbol] = self._since.pop(symbol)
            rows = self._rows(symbol, taken[symbol])
            if len(rows):
                batch.minutes[symbol] = rows
            written = sum(map(len, batch.minutes.values()))
            if len(taken) >= SYMBOLS_AT_ONCE or written >= MINUTES_AT_ONCE:
                break
        return batch

    def put_back(self, batch: Batch) -> None:
        """It could not be written."""
        for symbol, minutes in batch.minutes.items():
            stays = symbol in batch.since_ms and self._market.carries(symbol)
            if stays and self._market.source(symbol) == batch.source:
                self.note(symbol, batch.since_ms[symbol])
            else:
                later = self._left.get((batch.source, symbol), minutes[:0])
                self._left[batch.source, symbol] = merge(minutes, later)[-MINUTES_KEPT:]

    # --- within ---------------------------------------------------------------------------------

    def _note_candle(self, symbol: str, candle: Candle) -> None:
        self._since.setdefault(symbol, candle.open_time_ms)

    def _note_leaving(self, symbol: str) -> None:
        since_ms = self._since.pop(symbol, None)
        if since_ms is not None and len(rows := self._rows(symbol, since_ms)):
            key = self._market.source(symbol), symbol
            self._left[key] = merge(self._left.get(key, rows[:0]), rows)[-MINUTES_KEPT:]

    def _rows(self, symbol: str, since_ms: int) -> CandleArray:
        closed = self._market.closed_candles(symbol)
        rows: CandleArray = closed[int(np.searchsorted(closed[:, OPEN_TIME], since_ms)) :]
        return rows
