"""The indicators behind a rating, read off the newest candles of many rows at once.

A row is one symbol's candles of one timeframe. What needs a window only is computed from it each
time; what remembers all candles is in `averages`. Zero by zero is NaN, as it is `na` in Pine, whose
`ta` library of 2024-11-26 (version 9) defines each of them:
https://www.tradingview.com/script/BICzyhq0-ta/.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.analysis.averages import (
    EMA_12,
    EMA_13,
    EMA_26,
    EMA_PERIODS,
    MINUS_MOVE,
    PLUS_MOVE,
    TRUE_RANGE,
    Averages,
    Floats,
    Window,
    nested,
    ratio,
)

# The longest look-back: SMA 200 and the first value of EMA 200.
WINDOW_LENGTH = 200
# Ichimoku's cloud is drawn so many candles ahead of where it is computed.
DISPLACEMENT = 26
# Differences under this share of the price are rounding, and a range so narrow is none. Pine takes
# for equal what differs by 1e-10, at any price: as much at a price of 100.
TIE = 1e-12

SMA_PERIODS = (10, 20, 30, 50, 100, 200)
_VOTING = [EMA_PERIODS.index(period) for period in SMA_PERIODS]
ICHIMOKU_PERIODS = (9, 26, 52)
STOCHASTIC_PERIOD = 14
CCI_PERIOD = 20
VWMA_PERIOD = 20
MOMENTUM_PERIOD = 10
AO_PERIODS = (5, 34)
ULTIMATE_PERIODS = (7, 14, 28)
ULTIMATE_WEIGHTS = (4, 2, 1)
STILL_PERIOD = 20
CHANNEL_PERIOD = 20
# Averages of volume: long enough to know what is usual now, on minutes short enough for the day's
# cycle.
VOLUME_PERIOD = 60


def _weighted_mean(period: int) -> Floats:
    """The weights of a WMA, the newest last."""
    weights: Floats = np.arange(1.0, period + 1)
    return weights * 2 / (period * (period + 1))


def _hull_weights() -> Floats:
    """HMA 9 as one weighted sum of 11 closes: WMA 3 of (2 * WMA 4 - WMA 9)."""
    inner = -_weighted_mean(9)
    inner[-4:] += 2 * _weighted_mean(4)
    weights: Floats = np.convolve(inner, _weighted_mean(3))
    return weights


_HULL_WEIGHTS = _hull_weights()


class Readings(NamedTuple):
    """Every indicator after the newest candle of each row, and what the rules compare it with:
    `_before` is its value one candle ago, `_earlier` two. NaN where there are too few candles.

    `sma` (6, rows) and `ema` (6, rows) by `SMA_PERIODS`, all else (rows,). `lead_a` and `lead_b`
    are Ichimoku's leading lines as drawn at the candle, so of 26 candles ago, `span_b` is the
    second as computed at it. `moved` is false where the price has stood still for 20 candles.

    For the reasons: `change` of the close against the close before; the Donchian channel of the 20
    candles before; `surge`, how many standard deviations the volume lies above the mean of the 60
    candles before.
    """

    close: Floats
    sma: Floats
    ema: Floats
    hma: Floats
    vwma: Floats
    conversion_line: Floats
    base_line: Floats
    lead_a: Floats
    lead_b: Floats
    span_b: Floats
    rsi: Floats
    rsi_before: Floats
    stoch_k: Floats
    stoch_d: Floats
    stoch_d_before: Floats
    cci: Floats
    cci_before: Floats
    adx: Floats
    adx_before: Floats
    plus_di: Floats
    minus_di: Floats
    ao: Floats
    ao_before: Floats
    ao_earlier: Floats
    momentum: Floats
    momentum_before: Floats
    macd: Floats
    macd_signal: Floats
    stoch_rsi_k: Floats
    stoch_rsi_d: Floats
    williams_r: Floats
    williams_r_before: Floats
    bull_power: Floats
    bull_power_before: Floats
    bear_power: Floats
    bear_power_before: Floats
    ultimate: Floats
    moved: NDArray[np.bool_]
    atr: Floats
    change: Floats
    change_before: Floats
    channel_high: Floats
    channel_low: Floats
    surge: Floats
    surge_before: Floats


def read(window: Window, before: Averages, now: Averages) -> Readings:
    """The readings at the newest candle of each row, from windows of `WINDOW_LENGTH` candles and
    the averages as of the candle before it and as of itself."""
    high, low, close, volume = window
    price = close[-1]
    conversion, base, span_b = _midpoints(high, low, ICHIMOKU_PERIODS)
    conversion_drawn, base_drawn, lead_b = _midpoints(
        high[:-DISPLACEMENT], low[:-DISPLACEMENT], ICHIMOKU_PERIODS
    )
    stoch = _stochastic(high, low, close, 6)
    stoch_k, stoch_d = _smoothed(stoch)
    stoch_rsi_k, stoch_rsi_d = _smoothed(_stochastic(now.rsi, now.rsi, now.rsi, 5))
    middle = (high[-AO_PERIODS[-1] - 2 :] + low[-AO_PERIODS[-1] - 2 :]) / 2
    ao = [_awesome(middle[: len(middle) - ago]) for ago in range(3)]
    return Readings(
        close=price,
        sma=nested(np.add, close, SMA_PERIODS) / np.array(SMA_PERIODS)[:, np.newaxis],
        ema=now.ema[_VOTING],
        hma=_HULL_WEIGHTS @ close[-len(_HULL_WEIGHTS) :],
        vwma=_volume_weighted(close[-VWMA_PERIOD:], volume[-VWMA_PERIOD:]),
        conversion_line=conversion,
        base_line=base,
        lead_a=(conversion_drawn + base_drawn) / 2,
        lead_b=lead_b,
        span_b=span_b,
        rsi=now.rsi[-1],
        rsi_before=now.rsi[-2],
        stoch_k=stoch_k[-1],
        stoch_d=stoch_d[-1],
        stoch_d_before=stoch_d[-2],
        cci=_commodity_channel(close[-CCI_PERIOD:]),
        cci_before=_commodity_channel(close[-CCI_PERIOD - 1 : -1]),
        adx=now.adx,
        adx_before=before.adx,
        plus_di=100 * ratio(now.wilder[PLUS_MOVE], now.wilder[TRUE_RANGE], 0.0),
        minus_di=100 * ratio(now.wilder[MINUS_MOVE], now.wilder[TRUE_RANGE], 0.0),
        ao=ao[0],
        ao_before=ao[1],
        ao_earlier=ao[2],
        momentum=price - close[-1 - MOMENTUM_PERIOD],
        momentum_before=close[-2] - close[-2 - MOMENTUM_PERIOD],
        macd=now.ema[EMA_12] - now.ema[EMA_26],
        macd_signal=now.macd_signal,
        stoch_rsi_k=stoch_rsi_k[-1],
        stoch_rsi_d=stoch_rsi_d[-1],
        williams_r=stoch[-1] - 100,
        williams_r_before=stoch[-2] - 100,
        bull_power=high[-1] - now.ema[EMA_13],
        bull_power_before=high[-2] - before.ema[EMA_13],
        bear_power=low[-1] - now.ema[EMA_13],
        bear_power_before=low[-2] - before.ema[EMA_13],
        ultimate=_ultimate(*(column[-ULTIMATE_PERIODS[-1] - 1 :] for column in window[:3])),
        moved=_moved(high[-STILL_PERIOD:], low[-STILL_PERIOD:]),
        atr=now.wilder[TRUE_RANGE],
        change=price - close[-2],
        change_before=close[-2] - close[-3],
        channel_high=high[-CHANNEL_PERIOD - 1 : -1].max(axis=0),
        channel_low=low[-CHANNEL_PERIOD - 1 : -1].min(axis=0),
        surge=_surge(volume[-VOLUME_PERIOD - 1 :]),
        surge_before=_surge(volume[-VOLUME_PERIOD - 2 : -1]),
    )


def _moved(high: Floats, low: Floats) -> NDArray[np.bool_]:
    highest, lowest = high.max(axis=0), low.min(axis=0)
    moved: NDArray[np.bool_] = highest - lowest > TIE * highest
    return moved


def _midpoints(high: Floats, low: Floats, periods: Sequence[int]) -> Floats:
    """The middle between the highest and the lowest of each period, (periods, rows)."""
    return (nested(np.maximum, high, periods) + nested(np.minimum, low, periods)) / 2


def _stochastic(high: Floats, low: Floats, close: Floats, count: int) -> Floats:
    """Where the newest `count` values lie in the range of their 14, 0..100: (count, rows)."""
    span = STOCHASTIC_PERIOD + count - 1
    highest = _over_14(np.maximum, high[-span:])
    lowest = _over_14(np.minimum, low[-span:])
    return 100 * _share(close[-count:] - lowest, highest - lowest, TIE * highest)


def _over_14(function: np.ufunc, values: Floats) -> Floats:
    """The ufunc over each 14 values in a row: of two, of four, of eight, and of two eights."""
    for width in (1, 2, 4):
        values = function(values[:-width], values[width:])
    found: Floats = function(values[:-6], values[6:])
    return found


def _smoothed(raw: Floats) -> tuple[Floats, Floats]:
    """%K and %D: the means of three, and their means of three, the newest last."""
    k = (raw[:-2] + raw[1:-1] + raw[2:]) / 3
    return k, (k[:-2] + k[1:-1] + k[2:]) / 3


def _awesome(middle: Floats) -> Floats:
    fast, slow = nested(np.add, middle, AO_PERIODS)
    value: Floats = fast / AO_PERIODS[0] - slow / AO_PERIODS[1]
    return value


def _volume_weighted(close: Floats, volume: Floats) -> Floats:
    traded: Floats = close * volume
    return _share(traded.sum(axis=0), volume.sum(axis=0), 0.0)


def _commodity_channel(close: Floats) -> Floats:
    mean = close.sum(axis=0) / CCI_PERIOD
    deviation = np.abs(close - mean).sum(axis=0) / CCI_PERIOD
    return _share(close[-1] - mean, 0.015 * deviation, TIE * mean)


def _ultimate(high: Floats, low: Floats, close: Floats) -> Floats:
    floor = np.minimum(low[1:], close[:-1])
    pressure = nested(np.add, close[1:] - floor, ULTIMATE_PERIODS)
    ranges = nested(np.add, np.maximum(high[1:], close[:-1]) - floor, ULTIMATE_PERIODS)
    shares = _share(pressure, ranges, TIE * close[-1])
    mean: Floats = np.array(ULTIMATE_WEIGHTS) @ shares / sum(ULTIMATE_WEIGHTS)
    return 100 * mean


def _surge(volume: Floats) -> Floats:
    mean = volume[:-1].sum(axis=0) / VOLUME_PERIOD
    deviations = volume - mean
    variance = (deviations[:-1] ** 2).sum(axis=0) / VOLUME_PERIOD
    return _share(deviations[-1], np.sqrt(variance), TIE * mean)


def _share(part: Floats, whole: Floats, least: Floats | float) -> Floats:
    """`part / whole`, NaN where the whole is no more than `least`."""
    found = np.full(whole.shape, np.nan)
    np.divide(part, whole, out=found, where=whole > least)
    return found
