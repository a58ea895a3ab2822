"""Closed candles of recordings, to be looked at as a whole."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from backend.clock import Clock
from backend.feeds.recording import ClosedCandle, History, MarketEvent
from backend.feeds.replay_files import Skipped, read_recording
from backend.market.candles import BASE_INTERVAL, INTERVALS, CandleRow, candle_row
from backend.market.market import Market
from backend.market.models import CANDLE_COLUMNS, OPEN_TIME, Candle, CandleArray, Trade


def read_candles(path: Path, clock: Clock) -> dict[str, CandleArray]:
    """All closed candles (n, 7) of each symbol in a recording, in order of time: those that it has,
    and minutes made of its trades. Raises OSError where there is nothing to read."""
    found: dict[str, dict[float, CandleRow]] = {}

    def keep(symbol: str, row: CandleRow) -> None:
        found.setdefault(symbol, {})[row[OPEN_TIME]] = row

    symbols = {event.symbol for event in _events(path) if isinstance(event, Trade)}
    market = Market(sorted(symbols), clock)

    def keep_closed(symbol: str, candle: Candle) -> None:
        keep(symbol, candle_row(candle))

    market.on_candle(keep_closed)
    for event in _events(path):
        if isinstance(event, Trade):
            market.apply_trade(event)
        elif isinstance(event, ClosedCandle):
            keep_closed(event.symbol, event.candle)
        elif isinstance(event, History):
            for row in event.candles.tolist():
                keep(event.symbol, row)
    return {
        symbol: np.array([rows[time] for time in sorted(rows)]).reshape(-1, CANDLE_COLUMNS)
        for symbol, rows in found.items()
    }


def candle_interval(candles: CandleArray) -> str:
    """What candles (n, 7) are of: the longest interval that each of them begins one of, since of a
    quiet market some are missing."""
    opened = candles[:, OPEN_TIME]
    of = (name for name, interval in INTERVALS.items() if not (opened % interval).any())
    return max(of, key=INTERVALS.__getitem__, default=BASE_INTERVAL)


def _events(path: Path) -> Iterator[MarketEvent]:
    return (event for _, event in read_recording(path, Skipped()) if event is not None)
