"""Trading signals: a five-level rating of one-minute candles, its strength and its reason.

A description of the recent past by published rules, not a forecast and not advice.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from backend.analysis import rating, reasons
from backend.analysis.averages import Floats
from backend.analysis.levels import DIRECTIONS, level_of, strength_of
from backend.analysis.reasons import PivotLevels
from backend.analysis.rows import KEPT_COLUMNS, MIN_CANDLES, CandleRows
from backend.clock import MINUTE_MS
from backend.market.candles import BASE_INTERVAL, candle_row, row_candle
from backend.market.models import CANDLE_COLUMNS, Assessment, Candle, CandleArray

# More than the slowest average remembers: what is older changes no digit that counts.
REMEMBERED_CANDLES = 2 * 24 * 60


class SignalEngine:
    """Rates symbols, each by itself, all in one go: 20 for hardly more than the price of one. The
    same candles give the same assessment, however they were handed over.

    Nothing later than the candle in hand is known, so nothing later can change what was said.
    """

    def __init__(self, symbols: Sequence[str]) -> None:
        self._places = {symbol: place for place, symbol in enumerate(symbols)}
        self._rows = CandleRows(len(self._places))
        self._pivots = {symbol: PivotLevels() for symbol in self._places}
        self._last: dict[str, Candle] = {}
        self._pending: dict[str, Candle] = {}  # closed candles that the rows lack, one a symbol

    def rebuild(self, symbol: str, closed: CandleArray) -> None:
        """Start over from closed candles, shape (n, 7), oldest first. 48 h take about 1 ms."""
        self._pending.pop(symbol, None)
        self._rows.load(self._places[symbol], closed[-REMEMBERED_CANDLES:])
        self._pivots[symbol].rebuild(closed)
        self._last.pop(symbol, None)
        if len(closed):
            self._last[symbol] = row_candle(closed[-1])

    def update(self, symbol: str, candle: Candle) -> None:
        """Take in the next closed candle. One that is not newer than the last is known already."""
        last = self._last.get(symbol)
        if last and candle.open_time_ms <= last.open_time_ms:
            return
        if symbol in self._pending:
            self._take_in()
        self._pending[symbol] = self._last[symbol] = candle
        self._pivots[symbol].update(candle)

    def assess(
        self, forming: Mapping[str, Candle | None], times_ms: Mapping[str, int] | None = None
    ) -> dict[str, Assessment]:
        """The ratings of the symbols of `forming` as if those candles closed as they stand, or of
        the last closed candle where there is none.

        `times_ms` are the instants of the prices, by default the end of that last closed candle, or
        the beginning of the forming one. Symbols with fewer than `MIN_CANDLES` are left out.
        """
        self._take_in()
        in_hand = {
            symbol: self._newer(symbol, candle)
            for symbol, candle in forming.items()
            if self._rows.counts[self._places[symbol]] >= MIN_CANDLES
        }
        if not in_hand:
            return {}
        complete = _columns(list(in_hand.values()))
        rows = np.array([self._places[symbol] for symbol in in_hand])
        now = self._rows.read(rows, np.full(complete.shape, np.nan), complete)
        scores = rating.scores(now).tolist()
        levels = [level_of(score) for score in scores]
        pivots = np.array([self._pivots[symbol].levels for symbol in in_hand])
        why = reasons.strongest(now, pivots, np.array([DIRECTIONS[level] for level in levels]))
        assessed = {}
        for (symbol, candle), score, level, reason in zip(
            in_hand.items(), scores, levels, why, strict=True
        ):
            last = self._last[symbol]
            time_ms = last.open_time_ms + MINUTE_MS if candle is None else candle.open_time_ms
            assessed[symbol] = Assessment(
                symbol=symbol,
                timeframe=BASE_INTERVAL,
                level=level,
                score=score,
                strength=strength_of(score, level),
                reason=reason,
                price=(candle or last).close,
                time_ms=time_ms if times_ms is None else times_ms[symbol],
            )
        return assessed

    def _newer(self, symbol: str, candle: Candle | None) -> Candle | None:
        """The candle, if it has not closed since."""
        if candle is None or candle.open_time_ms <= self._last[symbol].open_time_ms:
            return None
        return candle

    def _take_in(self) -> None:
        if self._pending:
            rows = np.array([self._places[symbol] for symbol in self._pending])
            self._rows.close(rows, _columns(list(self._pending.values())))
            self._pending.clear()


def _columns(candles: Sequence[Candle | None]) -> Floats:
    """Candles as `CandleRows` has them, (4, n)."""
    table = np.full((len(candles), CANDLE_COLUMNS), np.nan)
    for place, candle in enumerate(candles):
        if candle is not None:
            table[place] = candle_row(candle)
    columns: Floats = table[:, KEPT_COLUMNS].T
    return columns
