"""Candles of many rows, a row being one symbol and timeframe, ready to be rated together."""

import numpy as np
from numpy.typing import NDArray

from backend.analysis.averages import Floats, Window, following, through, unknown
from backend.analysis.indicators import WINDOW_LENGTH, Readings, read
from backend.market.models import CLOSE, HIGH, LOW, VOLUME, CandleArray

# What of a candle is kept, in the order of `Window`.
KEPT_COLUMNS = (HIGH, LOW, CLOSE, VOLUME)
# Closed candles that a row has to have before it is rated: with as many, every item can vote but
# the averages of 100 and 200, which are left out, as in the original, until they can.
MIN_CANDLES = 60
# Beyond the closed candles a reading may have two more: one that is complete but for the news that
# it is, and the forming one after it.
_IN_HAND = 2

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
        candles[:, WINDOW_LENGTH] = np.where(np.isnan(complete), forming, complete)
        candles[:, WINDOW_LENGTH + 1] = forming
        in_hand = 1 * ~np.isnan(complete[0]) + ~np.isnan(forming[0])
        window = Window(*candles[:, :WINDOW_LENGTH])
        before, now = self._before.take(rows), self._last.take(rows)
        for count in range(1, _IN_HAND + 1):
            further = in_hand >= count
            if not further.any():
                break
            longer = Window(*candles[:, count : count + WINDOW_LENGTH])
            after = following(now, longer)
            if further.all():
                window, before, now = longer, now, after
            else:
                window = Window(*np.where(further, longer, window))
                before, now = now.where(further, before), after.where(further, now)
        return read(window, before, now)

    def _put_averages(self, row: int, columns: Floats) -> None:
        high, low, close, _ = columns
        averages = through(high, low, close)
        for place, ago in ((self._last, 1), (self._before, 2)):
            if len(close) >= ago:
                place.put(np.array([row]), averages.take(slice(-ago, len(close) + 1 - ago)))


def windows_at(columns: Floats, newest: Numbers) -> Window:
    """The windows of one row, its columns (4, n), that end with each of `newest` candles."""
    padded = np.pad(columns, ((0, 0), (WINDOW_LENGTH - 1, 0)), constant_values=np.nan)
    return Window(*padded[:, np.arange(WINDOW_LENGTH)[:, np.newaxis] + newest])


def readings_through(closed: CandleArray) -> Readings:
    """The readings at each closed candle (n, 7) of one row: a row a candle."""
    columns = closed[:, KEPT_COLUMNS].T.copy()
    now = through(*columns[:3])
    before = unknown(len(closed))
    before.put(slice(1, None), now.take(slice(None, -1)))
    return read(windows_at(columns, np.arange(len(closed))), before, now)
