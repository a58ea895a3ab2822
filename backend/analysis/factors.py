"""What the sentiment index is made of: five series computed from aligned minutes of all symbols.

Inputs are matrices (s symbols, n steps), oldest first: sums over symbols then run along memory. A
step is five minutes; the last ends with the newest minute. The market is the equal-weighted mean of
all symbols: weights by market value would need each asset's supply, which no price feed carries.
More of each series is greed.
"""

import numpy as np
import talib

from backend.analysis.averages import Floats

HOUR = 60
STEP_MINUTES = 5
# A day, so that the daily cycle is in all of them, and an hour's move alone in none.
DAY_STEPS = 24 * HOUR // STEP_MINUTES
# A peak is remembered, and a value ranked, for a week: with less, a market that has crashed an hour
# ago is soon as usual.
WEEK_STEPS = 7 * DAY_STEPS


class Mean:
    """The mean over symbols of each step's numbers, 0 in a step that has none."""

    def __init__(self) -> None:
        self._totals: Floats = np.zeros(0)
        self._counts: Floats = np.zeros(0)

    def add(self, values: Floats) -> None:
        """Count symbols in, (s, n), NaN where there is none."""
        if not len(self._totals):
            self._totals, self._counts = np.zeros(values.shape[1]), np.zeros(values.shape[1])
        totals: Floats = values.sum(axis=0)
        if np.isnan(totals).any():
            known = ~np.isnan(values)
            self._totals = self._totals + np.where(known, values, 0).sum(axis=0)
            self._counts = self._counts + known.sum(axis=0)
        else:
            self._totals = self._totals + totals
            self._counts = self._counts + len(values)

    def value(self) -> Floats:
        means: Floats = self._totals / np.maximum(self._counts, 1)
        return means


class Sums:
    """All that the factors need of the symbols, some of which are counted in at a time."""

    def __init__(self) -> None:
        self._returns, self._standing = Mean(), Mean()
        self._rising: Floats = np.zeros(1)
        self._volumes: Floats = np.zeros(1)

    def add(self, log_prices: Floats, volumes: Floats) -> None:
        """Count symbols in: log prices (s, n), NaN before a symbol's first, and the quote volumes
        (s, n - 1) of the steps between."""
        returns = np.diff(log_prices)
        self._returns.add(returns)
        self._standing.add(standing(log_prices))
        rising, totals = rising_volume(returns, volumes)
        self._rising, self._volumes = self._rising + rising, self._volumes + totals

    def factors(self) -> dict[str, Floats]:
        """The five factors by name, each (n - 1,)."""
        market = self._returns.value()
        level = np.cumsum(market)
        return {
            "volatility": -volatility(market),
            "drawdown": -drawdown(level),
            "momentum": momentum(level),
            "volume": up_volume_share(self._rising, self._volumes),
            "breadth": 0.5 + 0.5 * self._standing.value(),
        }


def volatility(market_returns: Floats) -> Floats:
    """Realised volatility: root mean square of the market's log returns over a day."""
    return np.sqrt(np.maximum(rolling_mean(market_returns**2, DAY_STEPS), 0))


def drawdown(level: Floats) -> Floats:
    """How far the market's log level lies below its highest of a week, as a positive number."""
    highest = np.maximum.accumulate(level)
    if len(level) > WEEK_STEPS:
        highest[WEEK_STEPS:] = talib.MAX(level, WEEK_STEPS)[WEEK_STEPS:]
    return highest - level


def momentum(level: Floats) -> Floats:
    """The market's log level against its own mean of a day."""
    return level - rolling_mean(level, DAY_STEPS)


def rising_volume(returns: Floats, volumes: Floats) -> tuple[Floats, Floats]:
    """The quote volume of each step in which its symbol rose, and all of it; a symbol that did not
    move gives half to either side."""
    # No return is known yet where it is NaN: unmoved.
    signs = np.nan_to_num(np.sign(returns), copy=False)
    totals = volumes.sum(axis=0)
    return (totals + np.einsum("ij,ij->j", volumes, signs)) / 2, totals


def up_volume_share(rising: Floats, totals: Floats) -> Floats:
    """The share of a day's quote volume in steps in which its symbol rose, 0.5 without any."""
    parts, wholes = _rolling_sum(rising, DAY_STEPS), _rolling_sum(totals, DAY_STEPS)
    # What rounding leaves of past volume is no volume.
    some = wholes > 1e-9 * np.maximum(np.maximum.accumulate(wholes), 1e-300)
    shares = np.full(len(parts), 0.5)
    np.divide(parts, wholes, out=shares, where=some)
    return shares.clip(0, 1)


def standing(log_prices: Floats) -> Floats:
    """Whether each symbol stands above (1) or below (-1) where it stood a day ago, or with less
    history at its beginning, (s, n - 1). Its mean is the breadth: the share of those above."""
    steps = np.arange(1, log_prices.shape[1])
    ago = log_prices[:, np.maximum(steps - DAY_STEPS, 0)]
    signs: Floats = np.sign(log_prices[:, 1:] - ago)
    return signs


def percentiles(series: Floats, count: int) -> Floats:
    """The rank of each of the newest `count` values among those up to it, of a week at most,
    0..100, (count,); equal values count half, so 50 if all are equal.

    Differences under 1e-9 of the largest value are rounding, and equal.
    """
    tie = 1e-9 * np.abs(series).max()
    ranks = np.empty(count)
    for place, end in enumerate(range(len(series) - count + 1, len(series) + 1)):
        ranked = series[max(0, end - WEEK_STEPS) : end]
        difference = ranked - ranked[-1]
        less, more = np.count_nonzero(difference < -tie), np.count_nonzero(difference > tie)
        ranks[place] = 50 + 50 * (less - more) / len(ranked)
    return ranks


def _rolling_sum(values: Floats, window: int) -> Floats:
    """Sums over the last `window` values, over fewer at the start."""
    sums = np.cumsum(values)
    sums[window:] -= sums[:-window].copy()
    return sums


def rolling_mean(values: Floats, window: int) -> Floats:
    """Means over the last `window` values, over fewer at the start."""
    means: Floats = _rolling_sum(values, window)
    means[window:] /= window
    means[:window] /= np.arange(1, min(window, len(means)) + 1)
    return means
