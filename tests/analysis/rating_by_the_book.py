"""TradingView's rating, version 3, on whole arrays of candles: numpy, and nothing of ours.

Written from the library's rules to judge our votes by, without its text and without our code: no
TA-Lib and no windows. `NaN` is Pine's `na`.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

AVERAGE_PERIODS = (10, 20, 30, 50, 100, 200)
# Pine takes floats for equal that differ by no more than this, whatever the price.
PINE_PRECISION = 1e-10


def over(one, other):
    return one - other > PINE_PRECISION


def under(one, other):
    return over(other, one)


def rolling(values, n, reduce):
    found = np.full(len(values), np.nan)
    if len(values) >= n:
        found[n - 1 :] = reduce(sliding_window_view(values, n), axis=1)
    return found


def sma(values, n):
    return rolling(values, n, np.mean)


def highest(values, n):
    return rolling(values, n, np.max)


def lowest(values, n):
    return rolling(values, n, np.min)


def wma(values, n):
    weights = np.arange(1, n + 1) * 2 / (n * (n + 1))
    return rolling(values, n, lambda windows, axis: (windows * weights).sum(axis=axis))


def ago(values, n=1):
    return np.concatenate((np.full(n, np.nan), values[:-n]))


def smoothed(values, n, factor):
    """Begins with the mean of the first n that are known."""
    found = np.full(len(values), np.nan)
    start = int(np.isnan(values).sum())
    if len(values) - start < n:
        return found
    current = values[start : start + n].mean()
    found[start + n - 1] = current
    for place in range(start + n, len(values)):
        current = factor * values[place] + (1 - factor) * current
        found[place] = current
    return found


def ema(values, n):
    return smoothed(values, n, 2 / (n + 1))


def rma(values, n):
    return smoothed(values, n, 1 / n)


def rsi(close, n):
    change = close - ago(close)
    up, down = rma(np.maximum(change, 0), n), rma(np.maximum(-change, 0), n)
    return np.where(down == 0, 100, 100 - 100 / (1 + up / np.where(down == 0, 1, down)))


def stoch(high, low, close, n):
    span = highest(high, n) - lowest(low, n)
    return 100 * (close - lowest(low, n)) / np.where(span == 0, np.nan, span)


def midpoint(high, low, n):
    return (highest(high, n) + lowest(low, n)) / 2


def dmi(high, low, close, n):
    up, down = high - ago(high), ago(low) - low
    missing = np.isnan(up)
    plus = np.where(missing, np.nan, np.where((up > down) & (up > 0), up, 0))
    minus = np.where(missing, np.nan, np.where((down > up) & (down > 0), down, 0))
    ranges = np.maximum(np.maximum(high - low, np.abs(high - ago(close))), np.abs(low - ago(close)))
    true_range = rma(ranges, n)
    plus, minus = 100 * rma(plus, n) / true_range, 100 * rma(minus, n) / true_range
    total = plus + minus
    adx = 100 * rma(np.abs(plus - minus) / np.where(total == 0, 1, total), n)
    return plus, minus, adx


def cci(close, n):
    mean = sma(close, n)
    off = np.full(len(close), np.nan)
    windows = sliding_window_view(close, n)
    off[n - 1 :] = np.abs(windows - windows.mean(axis=1, keepdims=True)).mean(axis=1)
    return (close - mean) / (0.015 * np.where(off == 0, np.nan, off))


def ultimate(high, low, close):
    before = ago(close)
    floor, roof = np.minimum(low, before), np.maximum(high, before)
    total = 0
    for n, weight in ((7, 4), (14, 2), (28, 1)):
        pressure, span = rolling(close - floor, n, np.sum), rolling(roof - floor, n, np.sum)
        total = total + weight * pressure / np.where(span == 0, np.nan, span)
    return 100 * total / 7


def votes(high, low, close, volume):
    """The 26 votes at each candle, (26, n): 1, 0, -1, NaN where left out."""

    def rate(known, buy, sell):
        return np.where(np.isnan(known), np.nan, 1.0 * buy - 1.0 * sell)

    def beside(line):
        return rate(line, over(close, line), under(close, line))

    found = [beside(average(close, n)) for average in (sma, ema) for n in AVERAGE_PERIODS]
    found.append(beside(wma(2 * wma(close, 4) - wma(close, 9), 3)))
    found.append(beside(sma(close * volume, 20) / sma(volume, 20)))

    conversion, base = midpoint(high, low, 9), midpoint(high, low, 26)
    lead_b = midpoint(high, low, 52)
    a, b = ago((conversion + base) / 2, 26), ago(lead_b, 26)

    def aligned(beyond):
        return beyond(a, b) & beyond(base, a) & beyond(conversion, base) & beyond(close, conversion)

    found.append(rate(lead_b, aligned(over), aligned(under)))

    def turning(values, bottom, top):
        before = ago(values)
        return rate(
            before,
            under(values, bottom) & over(values, before),
            over(values, top) & under(values, before),
        )

    def crossing(known, k, d, buying, selling):
        return rate(
            known,
            buying & under(k, 20) & under(d, 20) & over(k, d),
            selling & over(k, 80) & over(d, 80) & under(k, d),
        )

    strength = rsi(close, 14)
    found.append(turning(strength, 30, 70))
    k = sma(stoch(high, low, close, 14), 3)
    d = sma(k, 3)
    found.append(crossing(ago(d), k, d, True, True))
    found.append(turning(cci(close, 20), -100, 100))

    plus, minus, adx = dmi(high, low, close, 14)
    strong = over(adx, 20) & over(adx, ago(adx))
    found.append(rate(adx, strong & over(plus, minus), strong & under(plus, minus)))

    middle = (high + low) / 2
    ao = sma(middle, 5) - sma(middle, 34)
    one, two = ago(ao), ago(ao, 2)

    def swings(beyond):
        crosses = beyond(ao, 0) & ~beyond(one, 0)
        return crosses | (beyond(ao, 0) & beyond(one, 0) & beyond(ao, one) & beyond(two, one))

    found.append(rate(one, swings(over), swings(under)))
    moved = close - ago(close, 10)
    found.append(rate(ago(moved), over(moved, ago(moved)), under(moved, ago(moved))))
    line = ema(close, 12) - ema(close, 26)
    signal = ema(line, 9)
    found.append(rate(signal, over(line, signal), under(line, signal)))

    trend = ema(close, 50)
    up, down = over(close, trend), under(close, trend)
    k = sma(stoch(strength, strength, strength, 14), 3)
    found.append(crossing(trend, k, sma(k, 3), down, up))
    found.append(turning(stoch(high, low, close, 14) - 100, -80, -20))
    bull, bear = high - ema(close, 13), low - ema(close, 13)
    found.append(
        rate(
            trend,
            up & under(bear, 0) & over(bear, ago(bear)),
            down & over(bull, 0) & under(bull, ago(bull)),
        )
    )
    last = ultimate(high, low, close)
    found.append(rate(last, over(last, 70), under(last, 30)))
    return np.array(found)


def scores(cast):
    """The rating at each candle from its votes, where both groups have one."""

    def mean(group):
        known = ~np.isnan(group)
        return np.where(known, group, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)

    return (mean(cast[:15]) + mean(cast[15:])) / 2
