"""Trading signals: a five-level rating of one symbol's one-minute candles, its strength and reason.

A description of the recent past by published rules, not a forecast and not advice.
"""

import numpy as np

from backend.analysis import rating, reasons
from backend.analysis.averages import Floats
from backend.analysis.levels import DIRECTIONS, level_of, strength_of
from backend.analysis.reasons import PivotLevels
from backend.analysis.rows import KEPT_COLUMNS, MIN_CANDLES, CandleRows
from backend.clock import MINUTE_MS
from backend.market.candles import BASE_INTERVAL, candle_row, row_candle
from backend.market.models import (
    Assessment,
    Candle,
    CandleArray,
)


class SignalEngine:
    """Rates one symbol. The same candles give the same assessment, however they were handed over.

    Nothing later than the candle in hand is known, so nothing later can change what was said.
    """

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._rows = CandleRows(1)
        self._pivots = PivotLevels()
        self._last: Candle | None = None

    def rebuild(self, closed: CandleArray) -> None:
        """Start over from closed candles, shape (n, 7), oldest first. 48 h take about 1 ms."""
        self._rows.load(0, closed)
        self._pivots.rebuild(closed)
        self._last = row_candle(closed[-1]) if len(closed) else None

    def update(self, candle: Candle) -> None:
        """Take in the next closed candle. One that is not newer than the last is known already."""
        if self._last and candle.open_time_ms <= self._last.open_time_ms:
            return
        self._rows.close(_ONLY_ROW, _columns(candle))
        self._pivots.update(candle)
        self._last = candle

    def assess(self, forming: Candle | None, time_ms: int | None = None) -> Assessment | None:
        """The rating as if `forming` closed as it stands, or of the last closed candle without it.

        `time_ms` is the instant of the price, by default the end of that last closed candle, or
        the beginning of the forming one. None before `MIN_CANDLES` closed candles.
        """
        last = self._last
        if last is None or self._rows.counts[0] < MIN_CANDLES:
            return None
        if forming is None or forming.open_time_ms <= last.open_time_ms:
            in_hand, price, default_time = _NONE, last.close, last.open_time_ms + MINUTE_MS
        else:
            in_hand, price, default_time = _columns(forming), forming.close, forming.open_time_ms
        now = self._rows.read(_ONLY_ROW, _NONE, in_hand)
        score = float(rating.scores(now)[0])
        level = level_of(score)
        direction = np.array([DIRECTIONS[level]])
        levels = np.array([self._pivots.levels])
        return Assessment(
            symbol=self._symbol,
            timeframe=BASE_INTERVAL,
            level=level,
            score=score,
            strength=strength_of(score, level),
            reason=reasons.strongest(now, levels, direction)[0],
            price=price,
            time_ms=default_time if time_ms is None else time_ms,
        )


_ONLY_ROW = np.array([0])
_NONE = np.full((len(KEPT_COLUMNS), 1), np.nan)


def _columns(candle: Candle) -> Floats:
    row = candle_row(candle)
    return np.array([[row[column]] for column in KEPT_COLUMNS])
