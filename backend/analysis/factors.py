"""What the sentiment index is made of: six series computed from aligned minutes of all symbols.

Inputs are matrices (s symbols, n minutes), oldest first: sums over symbols then run along memory.
The market is the equal-weighted mean of all symbols: weights by market value would need each
asset's supply, which no price feed carries. Each series ends with the newest minute.
"""

from dataclasses import dataclass

import numpy as np
import talib
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HOUR = 60
MOMENTUM_MINUTES = 4 * HOUR
DRAWDOWN_MINUTES = 24 * HOUR
# A factor is ranked among its values of a whole day: the daily cycle is part of what is usual.
RANKED_MINUTES = 24 * HOUR
# Averages over fewer minutes than this say nothing; a series starts after it.
LEAD_MINUTES = 30


@dataclass(frozen=True, slots=True)
class Factor:
    """A series and which way it points: `greed` is 1 where more of it is greed, -1 where fear."""

    series: Floats
    greed: int


def forward_filled(prices: Floats) -> Floats:
    """Prices with each gap (NaN) filled by the last one before it; NaN where there was none."""
    missing = np.isnan(prices)
    if not missing.any():
        return prices
    sources = np.where(missing, 0, np.arange(prices.shape[1]))
    np.maximum.accumulate(sources, axis=1, out=sources)
    return np.take_along_axis(prices, sources, axis=1)


def factors(log_prices: Floats, volumes: Floats, reference: int | None) -> dict[str, Factor]:
    """The six factors by name, from forward-filled log prices and quote volumes.

    `reference` is the row of the asset whose dominance is measured; without it, or without any
    trade in another, there is no dominance.
    """
    returns = np.diff(log_prices)
    market = _mean_of_symbols(returns)
    level = np.concatenate(([0.0], np.cumsum(market)))
    # Averages of an hour need no more than this to be ranked.
    recent = slice(-(RANKED_MINUTES + HOUR), None)
    recent_volumes = volumes[:, recent]
    found = {
        "volatility": Factor(volatility(market), -1),
        "drawdown": Factor(drawdown(level), -1),
        "momentum": Factor(momentum(level), 1),
        "volume": Factor(up_volume_share(returns[:, recent], volumes[:, 1:][:, recent]), 1),
        "breadth": Factor(breadth(log_prices[:, recent]), 1),
    }
    if reference is not None and np.count_nonzero(recent_volumes.any(axis=1)) > 1:
        found["dominance"] = Factor(volume_share(recent_volumes, reference), -1)
    return found


def volatility(market_returns: Floats) -> Floats:
    """Realised volatility: root mean square of the market's minute log returns over an hour."""
    return np.sqrt(np.maximum(rolling_mean(market_returns**2, HOUR), 0))[LEAD_MINUTES:]


def drawdown(level: Floats) -> Floats:
    """How far the market's log level lies below its highest of 24 h, as a positive number."""
    highest = np.maximum.accumulate(level)
    if len(level) > DRAWDOWN_MINUTES:
        highest[DRAWDOWN_MINUTES:] = talib.MAX(level, DRAWDOWN_MINUTES)[DRAWDOWN_MINUTES:]
    return (highest - level)[LEAD_MINUTES:]


def momentum(level: Floats) -> Floats:
    """The market's log level against its own mean of four hours."""
    return (level - rolling_mean(level, MOMENTUM_MINUTES))[LEAD_MINUTES:]


def up_volume_share(returns: Floats, volumes: Floats) -> Floats:
    """The share of an hour's quote volume in minutes in which its symbol rose.

    A symbol that did not move gives half of its volume to either side; 0.5 without any volume.
    """
    # No return is known yet where it is NaN: unmoved.
    signs = np.nan_to_num(np.sign(returns), copy=False)
    totals = volumes.sum(axis=0)
    rising = (totals + np.einsum("ij,ij->j", volumes, signs)) / 2
    return _rolling_share(rising, totals, 0.5)


def breadth(log_prices: Floats) -> Floats:
    """The share of symbols that stand above where they stood an hour ago; unchanged ones half."""
    return 0.5 + 0.5 * _mean_of_symbols(np.sign(log_prices[:, HOUR:] - log_prices[:, :-HOUR]))


def volume_share(volumes: Floats, row: int) -> Floats:
    """One symbol's share of all quote volume over an hour.

    It stands for dominance: money that retreats into the reference asset trades there. The share
    of market value is not computable without supplies.
    """
    return _rolling_share(volumes[row], volumes.sum(axis=0), 0.0)


def percentile(series: Floats) -> float:
    """The newest value's rank among all, 0..100; equal values count half, so 50 if all are equal.

    Differences under 1e-9 of the largest value are rounding, and equal.
    """
    difference = series - series[-1]
    tie = 1e-9 * np.abs(series).max()
    less, more = np.count_nonzero(difference < -tie), np.count_nonzero(difference > tie)
    return float(50 + 50 * (less - more) / len(series))


def _mean_of_symbols(values: Floats) -> Floats:
    """The mean of each minute's numbers, 0 in a minute that has none."""
    totals: Floats = values.sum(axis=0)
    if not np.isnan(totals).any():
        return totals / max(1, len(values))
    known = ~np.isnan(values)
    means: Floats = np.where(known, values, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return means


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


def _rolling_share(part: Floats, whole: Floats, without: float) -> Floats:
    parts, wholes = _rolling_sum(part, HOUR), _rolling_sum(whole, HOUR)
    # What rounding leaves of past volume is no volume.
    some = wholes > 1e-9 * np.maximum(np.maximum.accumulate(wholes), 1e-300)
    shares = np.full(len(parts), without)
    np.divide(parts, wholes, out=shares, where=some)
    return shares.clip(0, 1)[LEAD_MINUTES:]
