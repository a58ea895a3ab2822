"""Candles of one symbol: a bounded series of closed minutes, and the intervals rolled up from them.

Arrays have the `CandleArray` layout. They are kept column by column, so that a column of a view
is contiguous and goes to TA-Lib or `np.searchsorted` without a copy.
"""

from collections.abc import Sequence

import numpy as np

from backend.clock import DAY_MINUTES, DAY_MS, HOUR_MS, MINUTE_MS
from backend.market.models import (
    CANDLE_COLUMNS,
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    OPEN_TIME,
    QUOTE_VOLUME,
    VOLUME,
    Candle,
    CandleArray,
)

BASE_INTERVAL = "1m"
INTERVALS = {
    BASE_INTERVAL: MINUTE_MS,
    "5m": 5 * MINUTE_MS,
    "15m": 15 * MINUTE_MS,
    "1h": HOUR_MS,
    "4h": 4 * HOUR_MS,
    "1d": DAY_MS,
}

# One week: what a day-long window, a week's chart and every indicator need; 0.56 MB a symbol.
MINUTES_KEPT = 7 * DAY_MINUTES
# More than any chart shows at once (17 days of 5m); 0.28 MB an interval, reached only in time.
ROLLED_KEPT = 5_000

_FIRST_CAPACITY = 64

CandleRow = Sequence[float]


def candle_row(candle: Candle) -> CandleRow:
    """The candle as one row of a `CandleArray`."""
    return (
        candle.open_time_ms,
        candle.open,
        candle.high,
        candle.low,
        candle.close,
        candle.volume,
        candle.quote_volume,
    )


def row_candle(row: CandleRow) -> Candle:
    """The candle in one row of a `CandleArray`."""
    open_time, *rest = map(float, row)
    return Candle(int(open_time), *rest)


def empty_candles() -> CandleArray:
    """An array without candles."""
    return np.empty((0, CANDLE_COLUMNS))


def roll_up(candles: CandleArray, interval_ms: int) -> CandleArray:
    """Candles of `interval_ms`, aligned to UTC, out of shorter ones (n, 7) in order of time.

    An interval without a candle has no row; the last row may be an interval still forming.
    """
    if not len(candles):
        return empty_candles()
    times = candles[:, OPEN_TIME]
    buckets = times - times % interval_ms
    starts = np.concatenate(([0], np.flatnonzero(np.diff(buckets)) + 1))
    rolled = np.empty((len(starts), CANDLE_COLUMNS))
    rolled[:, OPEN_TIME] = buckets[starts]
    rolled[:, OPEN] = candles[starts, OPEN]
    rolled[:, HIGH] = np.maximum.reduceat(candles[:, HIGH], starts)
    rolled[:, LOW] = np.minimum.reduceat(candles[:, LOW], starts)
    rolled[:, CLOSE] = candles[np.concatenate((starts[1:] - 1, [len(candles) - 1])), CLOSE]
    # One after the other, as a series kept up minute by minute adds them: to the last digit.
    bucket = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(candles))))
    for column in (VOLUME, QUOTE_VOLUME):
        rolled[:, column] = np.bincount(bucket, weights=candles[:, column])
    return rolled


def merge(older: CandleArray, newer: CandleArray) -> CandleArray:
    """Both in order of time; of candles with the same open time the last one given stays."""
    both: CandleArray = np.concatenate((older, newer))
    both = both[np.argsort(both[:, OPEN_TIME], kind="stable")]
    last_of_minute = np.append(np.diff(both[:, OPEN_TIME]) > 0, True)[: len(both)]
    merged: CandleArray = both[last_of_minute]
    return merged


class CandleSeries:
    """The newest `kept` candles. Appending is O(1) on average; a view copies nothing.

    A row once written is never written again, so a view stays what it was when it was taken.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._columns = np.empty((CANDLE_COLUMNS, _FIRST_CAPACITY))
        self._end = 0
        self.dropped = 0  # how many have been given up for the bound

    def __len__(self) -> int:
        return min(self._end, self._kept)

    def view(self, limit: int | None = None) -> CandleArray:
        """The newest `limit` candles (default all), oldest first, read-only."""
        count = len(self) if limit is None else min(max(limit, 0), len(self))
        view = self._columns[:, self._end - count : self._end].T
        view.flags.writeable = False
        return view

    def append(self, row: CandleRow) -> None:
        """Add a candle later than all others."""
        if self._end == self._columns.shape[1]:
            self._make_room()
        self._columns[:, self._end] = row
        self._end += 1
        self.dropped += self._end > self._kept

    def load(self, candles: CandleArray) -> None:
        """Hold these (n, 7), in order of time, in place of what was held."""
        self.dropped += max(0, len(candles) - self._kept)
        newest = candles[-self._kept :]
        # A new buffer: somebody may still look at the old one.
        self._columns = np.empty((CANDLE_COLUMNS, max(_FIRST_CAPACITY, len(newest))))
        self._columns[:, : len(newest)] = newest.T
        self._end = len(newest)

    def _make_room(self) -> None:
        held = self._columns[:, self._end - len(self) : self._end]
        capacity = min(2 * held.shape[1], self._kept + self._kept // 4) + 1
        self._columns = np.empty((CANDLE_COLUMNS, capacity))
        self._columns[:, : held.shape[1]] = held
        self._end = held.shape[1]


class RolledSeries:
    """Candles of one longer interval, kept up with every closed minute."""

    def __init__(self, interval_ms: int) -> None:
        self._interval_ms = interval_ms
        self._closed = CandleSeries(ROLLED_KEPT)
        # Never changed in place: a tuple of numbers is nothing to the garbage collector, and there
        # are five for each symbol.
        self._forming: tuple[float, ...] | None = None

    def add(self, minute: CandleRow) -> None:
        """Count in a closed minute, later than all before it."""
        forming = self._forming
        if forming is not None and not self._extends(minute):
            self._closed.append(forming)
            forming = None
        self._forming = self._extended(forming, minute)

    def view(self, limit: int, forming_minute: CandleRow | None) -> CandleArray:
        """A copy of the newest `limit`, the forming one (with the forming minute in it) last."""
        tail: list[CandleRow] = [] if self._forming is None else [self._forming]
        if forming_minute is not None:
            if tail and self._extends(forming_minute):
                tail = [self._extended(self._forming, forming_minute)]
            else:
                tail.append(self._extended(None, forming_minute))
        return with_tail(self._closed, tail, limit)

    def rebuild(self, minutes: CandleArray, begins_cut: bool) -> None:
        """Take these minutes (n, 7) for what is known of their time; keep what lies before it.

        `begins_cut` says that minutes before the first one were known once and are given up, so
        that what was rolled up of the first interval knows more than `minutes`.
        """
        if not len(minutes):
            return
        rolled = roll_up(minutes, self._interval_ms)
        known = self.view(ROLLED_KEPT, None)
        earlier = known[known[:, OPEN_TIME] < rolled[0, OPEN_TIME] + begins_cut]
        if begins_cut and len(earlier) and earlier[-1, OPEN_TIME] == rolled[0, OPEN_TIME]:
            rolled = rolled[1:]
        everything = np.concatenate((earlier, rolled))
        self._closed.load(everything[:-1])
        self._forming = tuple(everything[-1].tolist())

    def _extends(self, minute: CandleRow) -> bool:
        assert self._forming is not None
        return minute[OPEN_TIME] < self._forming[OPEN_TIME] + self._interval_ms

    def _extended(self, forming: CandleRow | None, minute: CandleRow) -> tuple[float, ...]:
        if forming is None:
            return (minute[OPEN_TIME] - minute[OPEN_TIME] % self._interval_ms, *minute[OPEN:])
        return (
            forming[OPEN_TIME],
            forming[OPEN],
            max(forming[HIGH], minute[HIGH]),
            min(forming[LOW], minute[LOW]),
            minute[CLOSE],
            forming[VOLUME] + minute[VOLUME],
            forming[QUOTE_VOLUME] + minute[QUOTE_VOLUME],
        )


class CandleStore:
    """All candles of one symbol: closed minutes, and each longer interval of `INTERVALS`."""

    def __init__(self) -> None:
        self.minutes = CandleSeries(MINUTES_KEPT)
        self._rolled = _rolled_series()
        self.version = 0  # grows with each change

    def append(self, minute: CandleRow) -> None:
        """Add a closed minute, later than all others."""
        self.minutes.append(minute)
        for rolled in self._rolled.values():
            rolled.add(minute)
        self.version += 1

    def clear(self) -> None:
        """Hold nothing, as at first."""
        self.minutes = CandleSeries(MINUTES_KEPT)
        self._rolled = _rolled_series()
        self.version += 1

    def load(self, minutes: CandleArray) -> None:
        """Merge closed minutes (n, 7) in; they replace those of the same open time.

        Minutes before those that were given up for the bound are not taken up again.
        """
        held = self.minutes.view()
        begins_cut = self.minutes.dropped > 0
        if begins_cut:
            minutes = minutes[minutes[:, OPEN_TIME] >= held[0, OPEN_TIME]]
        merged = merge(held, minutes)
        self.minutes.load(merged)
        for rolled in self._rolled.values():
            rolled.rebuild(merged, begins_cut)
        self.version += 1

    def view(self, interval: str, limit: int, forming_minute: CandleRow | None) -> CandleArray:
        """A copy of the newest `limit` candles of `interval`, oldest first, the forming one last.

        Raises KeyError for an interval that is not in `INTERVALS`.
        """
        if interval == BASE_INTERVAL:
            return with_tail(self.minutes, [forming_minute] if forming_minute else [], limit)
        return self._rolled[interval].view(limit, forming_minute)


def _rolled_series() -> dict[str, RolledSeries]:
    return {
        name: RolledSeries(interval_ms)
        for name, interval_ms in INTERVALS.items()
        if name != BASE_INTERVAL
    }


def with_tail(series: CandleSeries, tail: Sequence[CandleRow], limit: int) -> CandleArray:
    """A copy of the newest `limit` of the series followed by `tail`."""
    tail = tail[max(0, len(tail) - max(limit, 0)) :]
    closed = series.view(limit - len(tail))
    return np.concatenate((closed, np.array(tail).reshape(-1, CANDLE_COLUMNS)))
