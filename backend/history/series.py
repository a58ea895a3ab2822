"""What is known of the series of one source and symbol, and what may be rolled up from which.

Minutes come from the market. Of some longer intervals the source may give its own candles of the
past; all others are rolled up, each from the next shorter one. A candle is rolled up where all of
its time is known, so that none is ever made from a part of it.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from backend.market.candles import BASE_INTERVAL, INTERVALS

LADDER = tuple(INTERVALS)


@dataclass(slots=True)
class Series:
    """A row of `candle_series`: from `since_ms` on nothing is missing, and before it there is
    nothing where it is `exhausted`. `until_ms` is the newest minute."""

    id: int
    since_ms: int | None
    until_ms: int | None
    exhausted: bool


def shorter(interval: str) -> str:
    """The interval that this one is rolled up from."""
    return LADDER[LADDER.index(interval) - 1]


def longer(interval: str) -> str | None:
    """The interval that is rolled up from this one."""
    following = LADDER.index(interval) + 1
    return LADDER[following] if following < len(LADDER) else None


def up_to(time_ms: float, interval: str) -> float:
    """The first candle of the interval that opens then or later; -inf stays what it is."""
    interval_ms = INTERVALS[interval]
    return time_ms if math.isinf(time_ms) else -(-time_ms // interval_ms) * interval_ms


def known_since(series: Mapping[str, Series], interval: str) -> float:
    """From where on candles of the interval are there, by whatever way they came; inf: nowhere."""
    own = series[interval]
    if own.exhausted:
        return -math.inf
    since = math.inf if own.since_ms is None else float(own.since_ms)
    if interval == BASE_INTERVAL:
        return since
    return min(since, up_to(known_since(series, shorter(interval)), interval))


def rolled_since(series: Mapping[str, Series], given: Collection[str], interval: str) -> float:
    """From where on candles of the interval are rolled up, of which the source gives those of
    `given` itself: of these only what the minutes reach into is ours, since they go on."""
    since = known_since(series, shorter(interval))
    if interval in given:
        minutes = known_since(series, BASE_INTERVAL)
        if math.isfinite(minutes):
            since = max(since, minutes - minutes % INTERVALS[interval])
    return up_to(since, interval)
