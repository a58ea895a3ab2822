"""The daily index as JSON, from the daily candles that are stored."""

import numpy as np

from backend.analysis.daily_index import RANKED_DAYS, DailyReading, daily_readings
from backend.clock import Clock, iso
from backend.history.reader import CandleReader
from backend.market.candles import empty_candles
from backend.offload import Overloaded
from backend.protocol import Payload
from backend.storage.faults import StorageUnavailable

# Whose days speak for the market, as those of the published index do.
LEADER = "BTC"
# Readings that are answered, the latest included: worked out in 1 ms, once a day.
READINGS = 31
# What the oldest of them depends on: it is ranked among the values of a year, each of which has
# looked back on a year; and the day that is still going on.
DAYS_READ = READINGS + 2 * RANKED_DAYS + 1
# A day ends once in a while, but at first the past is only just being loaded.
LOOK_SECONDS = 5.0


class DailyIndex:
    """The index at the end of each UTC day, of the days that are known."""

    def __init__(self, history: CandleReader, symbols: tuple[str, ...], clock: Clock) -> None:
        self._history = history
        self._carried = LEADER in symbols
        self._clock = clock
        self._look_at = -np.inf
        self._days = empty_candles()
        self._payload: Payload | None = None

    def payload(self) -> Payload | None:
        """The latest reading, and `history`, newest first; None without enough days. Of a database
        that can't be read now, what was known stays."""
        now = self._clock.monotonic()
        if self._carried and now >= self._look_at:
            self._look_at = now + LOOK_SECONDS
            try:
                days = self._history.candles(LEADER, "1d", DAYS_READ)[:-1]
            except (StorageUnavailable, Overloaded):
                return self._payload
            if not np.array_equal(days, self._days):
                self._days = days
                self._payload = _payload(daily_readings(days, READINGS))
        return self._payload


def _payload(readings: list[DailyReading]) -> Payload | None:
    if not readings:
        return None
    history = [
        {"value": round(reading.value), "timestamp": iso(reading.time_ms)}
        for reading in reversed(readings)
    ]
    components = readings[-1].components
    return {
        **history[0],
        "components": {name: round(score, 1) for name, score in components.items()},
        "history": history,
    }
