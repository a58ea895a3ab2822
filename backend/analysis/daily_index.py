"""Fear and greed a day at a time, 0..100, from daily candles of the leading asset.

Of the kind of the Crypto Fear and Greed Index (https://alternative.me/crypto/fear-and-greed-index/),
which sets volatility, drawdown, volume and momentum against their averages of 30 and 90 days, and
adds surveys and searches that no exchange knows of. Each of the four is scored by its rank among
its own values of a year, and the index is their mean: nothing is weighted, and nothing fitted.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from backend.analysis.averages import Floats, ratio
from backend.clock import DAY_MS
from backend.market.models import CLOSE, OPEN_TIME, QUOTE_VOLUME, CandleArray

AVERAGED_DAYS = (30, 90)
RANKED_DAYS = 365
# A rank among fewer values than this says little.
MIN_RANKED = 60
MIN_DAYS = AVERAGED_DAYS[-1] + MIN_RANKED
COMPONENTS = ("volatility", "drawdown", "volume", "momentum")


@dataclass(frozen=True, slots=True)
class DailyReading:
    """The index and its components at `time_ms`, the end of a UTC day: 0 fear, 100 greed."""

    time_ms: int
    value: float
    components: dict[str, float]


def daily_readings(days: CandleArray, count: int | None = None) -> list[DailyReading]:
    """The newest `count` readings (default all), oldest first, from closed daily candles (n, 7).

    None of the first `MIN_DAYS` days has one. A reading depends on days up to its own only.
    """
    found = range(MIN_DAYS, len(days))
    wanted = found if count is None else found[max(0, len(found) - count) :]
    if not wanted:
        return []
    series = _series(days)
    readings = []
    for place in wanted:
        scores = {
            name: _rank(values[max(0, place + 1 - RANKED_DAYS) : place + 1])
            for name, values in series.items()
        }
        readings.append(
            DailyReading(
                time_ms=int(days[place, OPEN_TIME]) + DAY_MS,
                value=sum(scores.values()) / len(scores),
                components=scores,
            )
        )
    return readings


def _series(days: CandleArray) -> dict[str, Floats]:
    """Each component's quantity after each day, more of which is greed; NaN where there are too few
    days."""
    prices = np.log(days[:, CLOSE])
    returns = np.diff(prices, prepend=prices[0])
    traded = days[:, QUOTE_VOLUME]
    falls = np.minimum(returns, 0)

    def both(of: Callable[[int], Floats]) -> Floats:
        """The sum over both lengths of averages."""
        short, long = map(of, AVERAGED_DAYS)
        return short + long

    return {
        # How little of the volatility is that of falls.
        "volatility": -both(
            lambda n: np.sqrt(ratio(_mean(falls**2, n), _mean(returns**2, n), 0.0))
        ),
        # Under the highest close of a year, which is as far as ranks reach.
        "drawdown": prices - _highest(prices),
        # What the average dollar traded has moved.
        "volume": both(lambda n: ratio(_mean(returns * traded, n), _mean(traded, n), 0.0)),
        "momentum": both(lambda n: prices - _mean(prices, n)),
    }


def _mean(values: Floats, count: int) -> Floats:
    """Means of the newest `count` after each, NaN before there are as many."""
    found = np.full(len(values), np.nan)
    if len(values) >= count:
        found[count - 1 :] = sliding_window_view(values, count).mean(axis=1)
    return found


def _highest(values: Floats) -> Floats:
    """The highest of the newest `RANKED_DAYS` after each, of fewer at the start."""
    padded = np.concatenate((np.full(RANKED_DAYS - 1, -np.inf), values))
    highest: Floats = sliding_window_view(padded, RANKED_DAYS).max(axis=1)
    return highest


def _rank(values: Floats) -> float:
    """The newest value's percentile among those known, 0..100; equal ones count half."""
    known = values[~np.isnan(values)]
    less, more = np.count_nonzero(known < values[-1]), np.count_nonzero(known > values[-1])
    return 50 + 50 * (less - more) / len(known)
