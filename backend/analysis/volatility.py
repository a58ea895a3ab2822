"""How much a price will move: the standard deviation of its log return over what is to come.

It is a weighted mean of realised volatilities over half an hour, two hours, a day and a week: the
idea of Corsi's HAR model (Journal of Financial Econometrics 2009), in deviations and not in
variances, so that one jump counts for less. Returns are those of five minutes, which the bounce
between bid and ask blurs less than those of one, and are measured against the daily cycle. With
less than two days of history nobody knows what is usual, and the forecast is wider.
"""

import numpy as np

from backend.analysis.averages import Floats
from backend.clock import DAY_MINUTES

RETURN_MINUTES = 5
WINDOWS = (30, 120, DAY_MINUTES, 7 * DAY_MINUTES)  # minutes
# What the daily cycle makes of a deviation, at the middles of six spans of four hours from midnight
# UTC: mean logarithmic ranges of BTC and ETH, 2016 to 2021, in which both halves of the years and
# both assets agree within 0.06.
DAILY_CYCLE = (1.01, 0.87, 0.96, 1.13, 1.03, 1.02)
# So much history is enough to know what is usual.
SURE_MINUTES = 2 * DAY_MINUTES


def _cycle() -> Floats:
    """The daily cycle for each minute of a day, in mean square 1."""
    span = DAY_MINUTES / len(DAILY_CYCLE)
    places = np.arange(DAY_MINUTES) / span - 0.5
    values = np.interp(
        places % len(DAILY_CYCLE), np.arange(len(DAILY_CYCLE) + 1), (*DAILY_CYCLE, DAILY_CYCLE[0])
    )
    cycle: Floats = values / np.sqrt(np.mean(values**2))
    return cycle


_CYCLE = _cycle()


def squares(log_prices: Floats, first_minute: int) -> Floats:
    """What a minute adds to the variance, without the daily cycle: for each minute but the first
    `RETURN_MINUTES` of prices, minute by minute. Minutes are counted since the epoch."""
    returns = log_prices[RETURN_MINUTES:] - log_prices[:-RETURN_MINUTES]
    minutes = first_minute + RETURN_MINUTES + np.arange(len(returns))
    found: Floats = (returns / _CYCLE[minutes % DAY_MINUTES]) ** 2 / RETURN_MINUTES
    return found


def usual_deviations(found: Floats) -> Floats:
    """The realised deviation of a minute over each of `WINDOWS`, (windows, n), from `squares`;
    over what there is at the start. Windows end with each minute."""
    sums = np.concatenate(([0.0], np.cumsum(found)))
    ends = np.arange(1, len(sums))
    deviations = np.empty((len(WINDOWS), len(found)))
    for row, window in enumerate(WINDOWS):
        begins = np.maximum(ends - window, 0)
        deviations[row] = np.sqrt(np.maximum(sums[ends] - sums[begins], 0) / (ends - begins))
    return deviations


def newest_deviations(found: Floats) -> Floats:
    """The last of `usual_deviations`, (windows,)."""
    return np.sqrt([found[-window:].mean() for window in WINDOWS])


def missing(known_minutes: int) -> float:
    """How much of enough history is missing: from 1 with none to 0."""
    return max(0.0, 1 - known_minutes / SURE_MINUTES)


def ahead(horizon: int) -> Floats:
    """For each minute of a day: how many times a minute's deviation that of the `horizon` minutes
    after it is."""
    repeated = np.resize(_CYCLE**2, DAY_MINUTES + horizon + 1)
    sums = np.cumsum(repeated)
    times: Floats = np.sqrt(sums[horizon : horizon + DAY_MINUTES] - sums[:DAY_MINUTES])
    return times
