"""Trading signals of all symbols: the level that is said, its strength and its reason.

A description of the recent past by published rules, not a forecast and not advice.
"""

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np

from backend.analysis import rating, reasons
from backend.analysis.board import RatingBoard, Run, at_once
from backend.analysis.levels import DIRECTIONS, strength_of
from backend.analysis.reasons import PivotLevels
from backend.analysis.rows import KEPT_COLUMNS
from backend.market.candles import INTERVALS, candle_row
from backend.market.models import CANDLE_COLUMNS, OPEN_TIME, Assessment, Candle, CandleArray


class SignalBoard(RatingBoard):
    """A `RatingBoard` that knows the reasons, too."""

    def __init__(self, symbols: Sequence[str], timeframes: Mapping[str, int] = INTERVALS) -> None:
        super().__init__(symbols, timeframes)
        self._pivots = {symbol: PivotLevels() for symbol in symbols}

    def load(
        self,
        symbol: str,
        minutes: CandleArray,
        longer: Mapping[str, CandleArray] | None = None,
        run: Run = at_once,
    ) -> None:
        """As `RatingBoard.load`."""
        pivots = PivotLevels()
        run(partial(pivots.rebuild, minutes))
        super().load(symbol, minutes, longer, run)
        self._pivots[symbol] = pivots

    def update(self, symbol: str, candle: Candle) -> bool:
        """As `RatingBoard.update`."""
        is_new = super().update(symbol, candle)
        if is_new:
            self._pivots[symbol].update(candle)
        return is_new

    def assess(
        self, timeframe: str, forming: Mapping[str, Candle | None], times_ms: Mapping[str, int]
    ) -> list[Assessment]:
        """What there is to say on a timeframe of each symbol of `forming`, those without enough
        candles left out: as if the forming minutes closed now, at the level of the closed ones.
        `times_ms` are the instants of their prices."""
        place = self.timeframes.index(timeframe)
        rows = np.array([self.rows(symbol)[place] for symbol in forming])
        levels = [self.level(row) for row in rows.tolist()]
        known = [symbol for symbol, level in zip(forming, levels, strict=True) if level is not None]
        if not known:
            return []
        said = [level for level in levels if level is not None]
        rows = rows[[level is not None for level in levels]]
        minutes = np.full((len(rows), CANDLE_COLUMNS), np.nan)
        for number, symbol in enumerate(known):
            if (candle := forming[symbol]) is not None:
                minutes[number] = candle_row(candle)
        now = self.read(rows, minutes[:, KEPT_COLUMNS].T, minutes[:, OPEN_TIME])
        pivots = np.array([self._pivots[symbol].levels for symbol in known])
        why = reasons.strongest(now, pivots, np.array([DIRECTIONS[level] for level in said]))
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
                known, said, rating.scores(now).tolist(), why, now.close.tolist(), strict=True
            )
        ]
