"""Averages that remember all candles: exponential ones, and Wilder's behind RSI, ADX and ATR.

They are kept for many rows at once, a row being one symbol's candles of one timeframe, so that the
ratings of all symbols and timeframes cost a few numpy calls. Sources: J. Welles Wilder, "New
Concepts in Technical Trading Systems" (1978); each average begins with the plain mean of its first
period, as TradingView's `ta.ema` and `ta.rma` do.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import talib
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# Those that vote, MACD's two of 12 and 26, and that of bull and bear power, 13; rising.
EMA_PERIODS = (10, 12, 13, 20, 26, 30, 50, 100, 200)
EMA_12, EMA_13, EMA_26 = (EMA_PERIODS.index(period) for period in (12, 13, 26))
SIGNAL_PERIOD = 9
WILDER_PERIOD = 14
# An EMA of this period has Wilder's factor of 1/14.
_WILDER_AS_EMA = 2 * WILDER_PERIOD - 1
# StochRSI 3-3-14-14 looks back over 14 RSIs, and averages three of that, twice.
RSI_KEPT = 14 + 2 + 2

_EMA_FACTORS = np.array([2 / (period + 1) for period in EMA_PERIODS])[:, np.newaxis]
_SIGNAL_FACTOR = 2 / (SIGNAL_PERIOD + 1)
_WILDER_FACTOR = 1 / WILDER_PERIOD

GAIN, LOSS, PLUS_MOVE, MINUS_MOVE, TRUE_RANGE = range(5)


class Window(NamedTuple):
    """The newest candles of each row, arrays (n, rows) with the newest last, NaN before the first.

    The newest may be forming.
    """

    high: Floats
    low: Floats
    close: Floats
    volume: Floats


class Averages(NamedTuple):
    """As of one candle of each row; NaN while there are too few candles. The row is the last axis.

    `ema` (9, rows) in the order of `EMA_PERIODS`; `macd_signal` (rows,); `wilder` (5, rows): of
    gains, losses, moves up and down, and true ranges; `adx` (rows,); `rsi` (18, rows), the newest
    last.
    """

    ema: Floats
    macd_signal: Floats
    wilder: Floats
    adx: Floats
    rsi: Floats

    def take(self, rows: NDArray[np.intp] | slice) -> "Averages":
        """Those of some rows only."""
        return Averages(*(each[..., rows] for each in self))

    def put(self, rows: NDArray[np.intp] | slice, other: "Averages") -> None:
        """Overwrite those of some rows."""
        for each, replacement in zip(self, other, strict=True):
            each[..., rows] = replacement


def unknown(rows: int) -> Averages:
    """Averages of rows without candles."""
    shapes = ((len(EMA_PERIODS), rows), (rows,), (5, rows), (rows,), (RSI_KEPT, rows))
    return Averages(*(np.full(shape, np.nan) for shape in shapes))


def following(before: Averages, window: Window) -> Averages:
    """The averages after the newest candle of each row, from those of the candle before it."""
    close = window.close[-1]
    ema = before.ema + (close - before.ema) * _EMA_FACTORS
    if np.isnan(ema).any():
        # Those that have just enough candles begin.
        means = nested(np.add, window.close, EMA_PERIODS) / np.array(EMA_PERIODS)[:, np.newaxis]
        ema = np.where(np.isnan(ema), means, ema)
    macd = ema[EMA_12] - ema[EMA_26]
    moves = _moves(*(column[-2:] for column in window[:3]))
    wilder = before.wilder + (moves[:, 1] - before.wilder) * _WILDER_FACTOR
    return Averages(
        ema,
        before.macd_signal + (macd - before.macd_signal) * _SIGNAL_FACTOR,
        wilder,
        before.adx + (_directional_index(wilder) - before.adx) * _WILDER_FACTOR,
        np.concatenate((before.rsi[1:], _rsi(wilder)[np.newaxis])),
    )


def through(high: Floats, low: Floats, close: Floats) -> Averages:
    """The averages after each candle of a single row, each (n,), oldest first: a row a candle."""
    ema = np.array([_recursive(close, period, period) for period in EMA_PERIODS])
    moves = _moves(high, low, close)
    wilder = np.array([_recursive(each, WILDER_PERIOD, _WILDER_AS_EMA) for each in moves])
    rsi = np.concatenate((np.full(RSI_KEPT - 1, np.nan), _rsi(wilder)))
    return Averages(
        ema,
        _recursive(ema[EMA_12] - ema[EMA_26], SIGNAL_PERIOD, SIGNAL_PERIOD),
        wilder,
        _recursive(_directional_index(wilder), WILDER_PERIOD, _WILDER_AS_EMA),
        sliding_window_view(rsi, len(close)),
    )


def _recursive(values: Floats, first: int, period: int) -> Floats:
    """An EMA's recursion with the factor of `period`, begun with the mean of the `first` values."""
    found = np.full(len(values), np.nan)
    known = values[~np.isnan(values)]
    if len(known) >= first:
        # TA-Lib begins with the mean of a whole period: of as many times that first mean.
        begun = np.concatenate((np.full(period, known[:first].mean()), known[first:]))
        found[len(values) - len(known) + first - 1 :] = talib.EMA(begun, period)[period - 1 :]
    return found


def _moves(high: Floats, low: Floats, close: Floats) -> Floats:
    """What Wilder averages, (5, *shape), along the first axis; NaN at its first, which has none
    before it."""
    found = np.full((5, *close.shape), np.nan)
    change, up, down = np.diff(close, axis=0), np.diff(high, axis=0), -np.diff(low, axis=0)
    found[GAIN, 1:] = np.maximum(change, 0)
    found[LOSS, 1:] = np.maximum(-change, 0)
    found[PLUS_MOVE, 1:] = np.where((up > down) & (up > 0), up, 0)
    found[MINUS_MOVE, 1:] = np.where((down > up) & (down > 0), down, 0)
    found[TRUE_RANGE, 1:] = np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])
    return found


def _directional_index(wilder: Floats) -> Floats:
    """DX, 0..100: how one-sided the moves are; 0 where there were none."""
    plus, minus = wilder[PLUS_MOVE], wilder[MINUS_MOVE]
    return 100 * ratio(np.abs(plus - minus), plus + minus, 0.0)


def _rsi(wilder: Floats) -> Floats:
    """RSI, 0..100; 100 where nothing was lost, as in Pine."""
    return 100 * ratio(wilder[GAIN], wilder[GAIN] + wilder[LOSS], 1.0)


def nested(function: np.ufunc, values: Floats, periods: Sequence[int]) -> Floats:
    """The ufunc over the newest n values of each row, for n in rising periods: (periods, rows)."""
    starts = periods[-1] - np.array(periods[::-1])
    parts = function.reduceat(values[-periods[-1] :], starts, axis=0)
    found: Floats = function.accumulate(parts[::-1], axis=0)
    return found


def ratio(part: Floats, whole: Floats, without: float) -> Floats:
    """`part / whole`; `without` where the whole is 0, NaN where it is NaN."""
    found: Floats = np.where(np.isnan(whole), np.nan, without)
    np.divide(part, whole, out=found, where=whole > 0)
    return found
