"""Candles of many rows, a row being one symbol and timeframe, ready to be rated together."""

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from backend.analysis.averages import Floats, Window, following, through, unknown
from backend.analysis.indicators import WINDOW_LENGTH, Readings, read
from backend.analysis.rating import scores
from backend.clock import MINUTE_MS
from backend.market.candles import roll_up
from backend.market.models import CLOSE, HIGH, LOW, OPEN_TIME, VOLUME, CandleArray

# What of a candle is kept, in the order of `Window`.
KEPT_COLUMNS = (HIGH, LOW, CLOSE, VOLUME)
# Closed candles that a row has to have before it is rated: with as many, every item can vote but
# the averages of 100 and 200, which are left out, as in the original, until they can.
MIN_CANDLES = 60
# Beyond the closed candles a reading may have two more: one that is complete but for the news that
# it is, and the forming one after it.
_IN_HAND = 2

# What the slowest average remembers to the eighth digit: what is older changes no vote.
REMEMBERED_CANDLES = 2_000
# Going through history, so many minutes are rated together: with more the arrays outgrow the
# caches, with fewer most of the time goes into calling numpy.
MINUTES_AT_ONCE = 480

Numbers = NDArray[np.intp]


class CandleRows:
    """Windows and averages of each row, kept up with its closed candles.

    A candle travels as the four numbers of `KEPT_COLUMNS`, NaN for none.
    """

    def __init__(self, rows: int) -> None:
        self._columns = np.full((len(KEPT_COLUMNS), WINDOW_LENGTH + _IN_HAND, rows), np.nan)
        self._before = unknown(rows)  # as of the last closed candle but one
        self._last = unknown(rows)
        self.counts = np.zeros(rows, dtype=np.intp)

    def load(self, row: int, closed: CandleArray) -> None:
        """Start a row over from closed candles, shape (n, 7), oldest first. 48 h take 1 ms."""
        self._columns[..., row] = np.nan
        self.counts[row] = len(closed)
        for averages in (self._before, self._last):
            averages.put(np.array([row]), unknown(1))
        if not len(closed):
            return
        columns = closed[:, KEPT_COLUMNS].T.copy()
        newest = columns[:, -WINDOW_LENGTH:]
        self._columns[:, WINDOW_LENGTH - newest.shape[1] : WINDOW_LENGTH, row] = newest
        self._put_averages(row, columns)

    def put(self, rows: Numbers, other: "CandleRows") -> None:
        """Overwrite these rows by all of the other's."""
        self._columns[..., rows] = other._columns
        self._before.put(rows, other._before)
        self._last.put(rows, other._last)
        self.counts[rows] = other.counts

    def close(self, rows: Numbers, candles: Floats) -> None:
        """Take in the next closed candle of each of these rows, (4, rows)."""
        self.counts[rows] += 1
        columns = self._columns[:, 1 : WINDOW_LENGTH + 1].take(rows, axis=2)
        columns[:, -1] = candles
        self._columns[:, :WINDOW_LENGTH, rows] = columns
        last = self._last.take(rows)
        self._before.put(rows, last)
        self._last.put(rows, following(last, Window(*columns)))
        # Most averages begin with the mean of several candles, which needs them all.
        for row in rows[self.counts[rows] <= MIN_CANDLES].tolist():
            begins = WINDOW_LENGTH - int(self.counts[row])
            self._put_averages(row, self._columns[:, begins:WINDOW_LENGTH, row])

    def read(self, rows: Numbers, complete: Floats, forming: Floats) -> Readings:
        """What the indicators of these rows say: at their last closed candle, or as if those in
        hand, `complete` and then `forming`, each (4, rows), had closed as they stand."""
        candles = self._columns.take(rows, axis=2)
        first = np.where(np.isnan(complete), forming, complete)
        candles[:, WINDOW_LENGTH], candles[:, WINDOW_LENGTH + 1] = first, forming
        before, last = self._before.take(rows), self._last.take(rows)
        # Every row is brought to one candle in hand, the last of the window.
        two = np.flatnonzero(~(np.isnan(complete[0]) | np.isnan(forming[0])))
        if len(two):
            those = candles.take(two, axis=2)
            last.put(two, following(last.take(two), _window(those)))
            candles[:, :-1, two] = those[:, 1:]
        now = following(last, _window(candles))
        none = np.flatnonzero(np.isnan(first[0]))
        if len(none):
            now.put(none, last.take(none))
            last.put(none, before.take(none))
            candles[:, 1:, none] = candles[:, :-1, none]
        return read(_window(candles), last, now)

    def _put_averages(self, row: int, columns: Floats) -> None:
        high, low, close, _ = columns
        averages = through(high, low, close)
        for place, ago in ((self._last, 1), (self._before, 2)):
            if len(close) >= ago:
                place.put(np.array([row]), averages.take(slice(-ago, len(close) + 1 - ago)))


def _window(candles: Floats) -> Window:
    """That ends with the first candle in hand, of (4, `WINDOW_LENGTH` + 2, rows)."""
    return Window(*candles[:, 1 : WINDOW_LENGTH + 1])


def windows_of(columns: Floats) -> Floats:
    """The windows that end with each candle of one row, of its columns (4, n): a view of shape (4,
    `WINDOW_LENGTH`, n), in which windows overlap, and nothing is to be written."""
    none = np.full((len(columns), WINDOW_LENGTH - 1), np.nan)
    every = np.concatenate((none, columns), axis=1)
    return sliding_window_view(every, WINDOW_LENGTH, axis=1).transpose(0, 2, 1)


def scores_each_minute(
    minutes: CandleArray, rolled: CandleArray, since_ms: float = -math.inf
) -> Iterator[tuple[Numbers, Floats]]:
    """The rating of one timeframe after each closed minute, from its closed candles and the
    forming one as if it closed then: what `CandleRows` says minute by minute.

    `minutes` (n, 7) in order of time, and `rolled`, the timeframe's candles up to their end. Gives
    places in `minutes` and their scores, some at a time: of those with `MIN_CANDLES` closed that
    open at `since_ms` or later.
    """
    opened = minutes[:, OPEN_TIME]
    candles = np.searchsorted(rolled[:, OPEN_TIME], opened, side="right") - 1
    rated = np.flatnonzero((candles >= MIN_CANDLES) & (opened >= since_ms))
    if not len(rated):
        return
    columns = rolled[:, KEPT_COLUMNS].T.copy()
    averages, windows = through(*columns[:3]), windows_of(columns)
    # Minutes of which each is a candle need no windows of their own.
    are_candles = np.array_equal(columns[:, candles], minutes[:, KEPT_COLUMNS].T)
    for places in np.split(rated, range(MINUTES_AT_ONCE, len(rated), MINUTES_AT_ONCE)):
        newest = candles[places]
        of_candles = windows[..., newest[0] : newest[-1] + 1]
        if are_candles:
            window = Window(*of_candles)
        else:
            window = Window(*of_candles.repeat(np.bincount(newest - newest[0]), axis=2))
            begin = np.searchsorted(candles, newest[0])
            together = slice(begin, places[-1] + 1)
            so_far = _so_far(minutes[together, KEPT_COLUMNS].T, candles[together])
            for column, forming in zip(window, so_far[:, places - begin], strict=True):
                column[-1] = forming
        before = averages.take(newest - 1)
        yield places, scores(read(window, before, following(before, window)))


def rolled_after(earlier: CandleArray, minutes: CandleArray, interval_ms: int) -> CandleArray:
    """Candles of a timeframe: `earlier` ones up to where `minutes` begin, then those of minutes.

    The first of these may be a part, of which `earlier` has the whole; but for the one in hand, of
    which the minutes know most.
    """
    rolled = minutes if interval_ms == MINUTE_MS else roll_up(minutes, interval_ms)
    if not len(rolled):
        return earlier
    part = len(rolled) > 1 and minutes[0, OPEN_TIME] > rolled[0, OPEN_TIME]
    before = earlier[earlier[:, OPEN_TIME] < rolled[0, OPEN_TIME] + part]
    if part and len(before) and before[-1, OPEN_TIME] == rolled[0, OPEN_TIME]:
        rolled = rolled[1:]
    return np.concatenate((before, rolled))


def _so_far(columns: Floats, candles: Numbers) -> Floats:
    """Each minute's candle of the timeframe as it forms, (4, n): `candles` says which it is in."""
    starts = np.flatnonzero(np.diff(candles, prepend=-1))
    lengths = np.diff(starts, append=len(candles))
    number = np.repeat(np.arange(len(starts)), lengths)
    within = np.arange(len(candles)) - np.repeat(starts, lengths)
    high, low, close, volume = columns
    return np.array(
        [
            _accumulated(np.maximum, high, number, within),
            _accumulated(np.minimum, low, number, within),
            close,
            _accumulated(np.add, volume, number, within),
        ]
    )


def _accumulated(function: np.ufunc, values: Floats, number: Numbers, within: Numbers) -> Floats:
    """The ufunc over each candle's values up to each: `number` says whose a value is, `within`
    which of its values."""
    table = np.zeros((number[-1] + 1, within.max() + 1))
    table[number, within] = values
    found: Floats = function.accumulate(table, axis=1)[number, within]
    return found
