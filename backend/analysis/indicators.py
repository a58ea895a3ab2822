"""The indicators behind a rating, kept up to date candle by candle with TA-Lib's streaming handles.

A handle is opened on history, told of each closed candle with `update`, and asked with `peek` what
it would say if the forming candle closed now. Both equal TA-Lib's batch functions on the same
candles. Sources: J. Welles Wilder, "New Concepts in Technical Trading Systems" (1978) for RSI, ATR,
ADX and DI; the others as documented at https://ta-lib.org/functions/.
"""

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import talib
from numpy.typing import NDArray
from talib import stream

from backend.market.candles import candle_row
from backend.market.models import CLOSE, HIGH, LOW, OPEN, VOLUME, Candle, CandleArray

# The longest look-back, SMA and EMA 200, plus the two earlier readings that some rules compare
# with. With fewer candles the handles are opened anew each minute, so that an item joins as soon
# as it has enough; from then on they are only updated.
WARM_UP_CANDLES = 202
# TA-Lib takes anything under 1e-14 for zero, which is a real move in an asset of 1e-9 USD. Prices
# are therefore brought to about 2^10 first; a power of two changes no digit of any of them.
SCALE_EXPONENT = 10

NAN = math.nan
UPDATE, PEEK = 0, 1

Row = Sequence[float]


class Readings(NamedTuple):
    """Every indicator after one candle, in scaled prices; NaN where there is not enough data.

    `high_20` and `low_20` are the Donchian channel of 20 candles; `range_8` is the width of the
    channel of 8, zero when nothing moved at all through the Ultimate oscillator's short period.
    """

    close: float
    sma_10: float
    sma_20: float
    sma_30: float
    sma_50: float
    sma_100: float
    sma_200: float
    ema_10: float
    ema_20: float
    ema_30: float
    ema_50: float
    ema_100: float
    ema_200: float
    hma_9: float
    vwma_20: float
    conversion_line: float
    base_line: float
    span_b: float
    rsi: float
    stoch_k: float
    stoch_d: float
    cci: float
    adx: float
    plus_di: float
    minus_di: float
    ao: float
    momentum: float
    macd: float
    macd_signal: float
    macd_histogram: float
    bull_power: float
    bear_power: float
    williams_r: float
    ultimate: float
    atr: float
    high_20: float
    middle_20: float
    low_20: float
    high_8: float
    middle_8: float
    low_8: float
    volume_mean: float
    volume_deviation: float
    stoch_rsi_k: float
    stoch_rsi_d: float

    @property
    def range_8(self) -> float:
        return self.high_8 - self.low_8


# Averages of volume over an hour: long enough to know what is usual now, short enough for the day's
# cycle.
VOLUME_PERIOD = 60

_H, _L, _C, _V = HIGH, LOW, CLOSE, VOLUME
# Function, input columns, parameters, number of outputs; in the order of `Readings`. CCI runs on
# closes, as in the published rating.
_SPECIFICATIONS: tuple[tuple[str, tuple[int, ...], tuple[int, ...], int], ...] = (
    *(("SMA", (_C,), (period,), 1) for period in (10, 20, 30, 50, 100, 200)),
    *(("EMA", (_C,), (period,), 1) for period in (10, 20, 30, 50, 100, 200)),
    ("HMA", (_C,), (9,), 1),
    ("VWMA", (_C, _V), (20,), 1),
    ("MIDPRICE", (_H, _L), (9,), 1),
    ("MIDPRICE", (_H, _L), (26,), 1),
    ("MIDPRICE", (_H, _L), (52,), 1),
    ("RSI", (_C,), (14,), 1),
    ("STOCH", (_H, _L, _C), (14, 3, 0, 3, 0), 2),
    ("CCI", (_C, _C, _C), (20,), 1),
    ("ADX", (_H, _L, _C), (14,), 1),
    ("PLUS_DI", (_H, _L, _C), (14,), 1),
    ("MINUS_DI", (_H, _L, _C), (14,), 1),
    ("AO", (_H, _L), (5, 34), 1),
    ("MOM", (_C,), (10,), 1),
    ("MACD", (_C,), (12, 26, 9), 3),
    ("ERI", (_H, _L, _C), (13,), 2),
    ("WILLR", (_H, _L, _C), (14,), 1),
    ("ULTOSC", (_H, _L, _C), (7, 14, 28), 1),
    ("ATR", (_H, _L, _C), (14,), 1),
    ("DONCHIAN", (_H, _L), (20,), 3),
    ("DONCHIAN", (_H, _L), (8,), 3),
    ("SMA", (_V,), (VOLUME_PERIOD,), 1),
    ("STDDEV", (_V,), (VOLUME_PERIOD,), 1),
)
_INPUTS = {used for _, used, _, _ in _SPECIFICATIONS}
# StochRSI 3-3-14-14: TA-Lib's fast %D is the published %K, whose mean over 3 is the published %D.
_STOCH_RSI = (14, 14, 3)
_STOCH_RSI_D = 3


class IndicatorSet:
    """All indicators of one symbol.

    `history` holds the readings of the last three closed candles, oldest first (fewer before).
    """

    def __init__(self) -> None:
        self.history: list[Readings] = []
        self.scale = 1.0  # prices in `history` are USD times this
        self._warm_up: list[list[float]] = []
        self._handles: list[tuple[Any, tuple[int, ...], int]] = []
        self._stoch_rsi: tuple[Any, Any] | None = None

    def rebuild(self, closed: CandleArray) -> None:
        """Start over from closed candles, shape (n, 7), oldest first."""
        self.history = []
        self._warm_up = closed.tolist() if len(closed) < WARM_UP_CANDLES else []
        if not len(closed):
            return
        self.scale = 2.0 ** (SCALE_EXPONENT - math.frexp(closed[-1, CLOSE])[1])
        columns = closed[:, : VOLUME + 1].copy()
        columns[:, OPEN:VOLUME] *= self.scale
        if self._warm_up:
            for count in range(max(1, len(columns) - 2), len(columns) + 1):
                self._push(self._open(columns[:count]))
        else:
            # All but the last two open the handles; those two then leave readings of their own.
            self._push(self._open(columns[:-2]))
            for row in columns[-2:].tolist():
                self._push(self._read(row, UPDATE))

    def update(self, candle: Candle) -> None:
        """Take in the next closed candle."""
        if len(self._warm_up) or not self.history:
            self.rebuild(np.array([*self._warm_up, candle_row(candle)]))
        else:
            self._push(self._read(self._scaled(candle), UPDATE))

    def peek(self, forming: Candle) -> Readings:
        """What the readings would be if `forming` closed as it stands; changes nothing."""
        if not self._warm_up:
            return self._read(self._scaled(forming), PEEK)
        # An item may have just enough candles with the forming one.
        columns = np.array([*self._warm_up, candle_row(forming)])[:, : VOLUME + 1]
        columns[:, OPEN:VOLUME] *= self.scale
        return IndicatorSet()._open(columns)

    def _scaled(self, candle: Candle) -> Row:
        s = self.scale
        return (
            0.0,
            candle.open * s,
            candle.high * s,
            candle.low * s,
            candle.close * s,
            candle.volume,
        )

    def _push(self, readings: Readings) -> None:
        self.history.append(readings)
        del self.history[:-3]

    def _open(self, candles: NDArray[np.float64]) -> Readings:
        columns = [column.copy() for column in candles.T]
        values = [float(columns[CLOSE][-1])]
        self._handles = []
        for name, used, parameters, outputs in _SPECIFICATIONS:
            try:
                handle = getattr(stream, name)(*(columns[i] for i in used), *parameters)
            except talib.InsufficientHistory:
                handle = None
            methods = (handle.update, handle.peek) if handle else None
            self._handles.append((methods, used, outputs))
            if outputs == 1:
                values.append(handle.value if handle else NAN)
            else:
                values.extend(handle.value if handle else (NAN,) * outputs)
        return Readings._make([*values, *self._open_stoch_rsi(columns[CLOSE])])

    def _open_stoch_rsi(self, closes: NDArray[np.float64]) -> tuple[float, float]:
        self._stoch_rsi = None
        try:
            rsi, (_, k) = stream.STOCHRSI.open_and_fill(closes, *_STOCH_RSI)
            mean = stream.SMA(k, _STOCH_RSI_D)
        except talib.InsufficientHistory:
            return NAN, NAN
        self._stoch_rsi = ((rsi.update, rsi.peek), (mean.update, mean.peek))
        return rsi.value[1], mean.value

    def _read(self, row: Row, method: int) -> Readings:
        values = [row[CLOSE]]
        inputs = {used: [row[i] for i in used] for used in _INPUTS}
        for methods, used, outputs in self._handles:
            if methods is None:
                values.extend((NAN,) * outputs)
            elif outputs == 1:
                values.append(methods[method](*inputs[used]))
            else:
                values.extend(methods[method](*inputs[used]))
        if self._stoch_rsi is None:
            return Readings._make([*values, NAN, NAN])
        rsi, mean = self._stoch_rsi
        k = rsi[method](row[CLOSE])[1]
        return Readings._make([*values, k, mean[method](k)])
