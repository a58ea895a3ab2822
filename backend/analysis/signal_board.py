"""Trading signals and ratings of all symbols: the level that is said, its strength and its reason.

A description of the recent past by published rules, not a forecast and not advice.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from backend.analysis import rating, reasons
from backend.analysis.board import LevelChange, RatingBoard
from backend.analysis.indicators import Readings
from backend.analysis.levels import DIRECTIONS, strength_of
from backend.analysis.reasons import PivotLevels
from backend.analysis.rows import KEPT_COLUMNS, Numbers
from backend.analysis.timeframe_rating import TimeframeRating, groups_of
from backend.market.candles import INTERVALS, candle_row
from backend.market.models import (
    CANDLE_COLUMNS,
    OPEN_TIME,
    Assessment,
    Candle,
    CandleArray,
)


class SignalBoard:
    """A `RatingBoard` with reasons, asked by symbol and timeframe."""

    def __init__(self, symbols: Sequence[str], timeframes: Mapping[str, int] = INTERVALS) -> None:
        self._symbols = tuple(symbols)
        self._intervals = dict(timeframes)
        self._board = RatingBoard(symbols, timeframes)
        self._pivots = {symbol: PivotLevels() for symbol in symbols}
        self._last_ms = dict.fromkeys(symbols, -1)

    def load(
        self,
        symbol: str,
        minutes: CandleArray,
        longer: Mapping[str, CandleArray] | None = None,
        pause: Callable[[], object] = lambda: None,
        since_ms: int = 0,
    ) -> None:
        """As `RatingBoard.load`."""
        self._pivots[symbol].rebuild(minutes)
        self._last_ms[symbol] = int(minutes[-1, OPEN_TIME]) if len(minutes) else -1
        self._board.load(symbol, minutes, longer, pause, since_ms)

    def update(self, symbol: str, candle: Candle) -> None:
        """Take in the next closed minute. One that is not newer than the last is known already."""
        if candle.open_time_ms > self._last_ms[symbol]:
            self._last_ms[symbol] = candle.open_time_ms
            self._pivots[symbol].update(candle)
            self._board.update(symbol, candle)

    def changes(self) -> list[LevelChange]:
        """As `RatingBoard.changes`."""
        return self._board.changes()

    def state(self) -> dict[str, Any]:
        """As `RatingBoard.state`."""
        return self._board.state()

    def restore(self, state: Mapping[str, Any]) -> None:
        """As `RatingBoard.restore`."""
        self._board.restore(state)

    def assess(
        self, timeframe: str, forming: Mapping[str, Candle | None], times_ms: Mapping[str, int]
    ) -> list[Assessment]:
        """What there is to say of each symbol on a timeframe, those without enough candles left
        out: as if the forming minutes closed now. `times_ms` are the instants of their prices."""
        place = self._board.timeframes.index(timeframe)
        rows = np.array([self._board.rows(symbol)[place] for symbol in self._symbols])
        now = self._read(rows, [forming.get(symbol) for symbol in self._symbols])
        scores = rating.scores(now)
        levels = [self._board.level(row) for row in rows.tolist()]
        directions = np.array([DIRECTIONS[level] if level else 0 for level in levels])
        pivots = np.array([self._pivots[symbol].levels for symbol in self._symbols])
        why = reasons.strongest(now, pivots, directions)
        return [
            Assessment(
                symbol=symbol,
                timeframe=timeframe,
                level=level,
                score=score,
                strength=strength_of(score, level),
                reason=reason,
                price=price,
                time_ms=times_ms[symbol],
            )
            for symbol, level, score, reason, price in zip(
                self._symbols, levels, scores.tolist(), why, now.close.tolist(), strict=True
            )
            if level is not None
        ]

    def ratings(
        self, symbol: str, forming: Candle | None = None
    ) -> dict[str, TimeframeRating | None]:
        """A symbol's rating on every timeframe, at the level that is held; None where there are too
        few candles."""
        rows = self._board.rows(symbol)
        now = self._read(rows, [forming] * len(rows))
        scores, groups = rating.scores(now).tolist(), groups_of(now)
        newest = self._last_ms[symbol]
        if forming is not None:
            newest = max(newest, forming.open_time_ms)
        found: dict[str, TimeframeRating | None] = {}
        for place, (timeframe, interval) in enumerate(self._intervals.items()):
            level = self._board.level(int(rows[place]))
            found[timeframe] = None
            if level is None:
                continue
            found[timeframe] = TimeframeRating(
                timeframe=timeframe,
                score=scores[place],
                level=level,
                moving_averages=groups[place][0],
                oscillators=groups[place][1],
                candle_ms=newest - newest % interval,
            )
        return found

    def _read(self, rows: Numbers, forming: Sequence[Candle | None]) -> Readings:
        """The readings of rows with a forming minute each."""
        table = np.full((len(rows), CANDLE_COLUMNS), np.nan)
        for place, candle in enumerate(forming):
            if candle is not None:
                table[place] = candle_row(candle)
        return self._board.read(rows, table[:, KEPT_COLUMNS].T, table[:, OPEN_TIME])
