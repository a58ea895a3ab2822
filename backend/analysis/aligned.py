"""Minutes of all symbols side by side, on one time axis, each carrying its last price."""

import math

import numpy as np

from backend.analysis.averages import Floats
from backend.clock import DAY_MINUTES, MINUTE_MS
from backend.market.models import CLOSE, OPEN_TIME, QUOTE_VOLUME, Candle, CandleArray

# Room beyond what is kept, so that the columns are moved once a day and not each minute.
SLACK_MINUTES = DAY_MINUTES


class AlignedMinutes:
    """Log prices and quote volumes of the newest `kept` minutes, counted since the epoch.

    A candle belongs to the minute it opened in, whenever it arrives. A minute without one has the
    last price before it and no volume; a price from before the kept time is not known any more.
    """

    def __init__(self, symbols: tuple[str, ...], kept: int) -> None:
        self._rows = {symbol: row for row, symbol in enumerate(symbols)}
        self._kept = kept
        shape = (len(symbols), kept + SLACK_MINUTES)
        self._log_prices = np.full(shape, np.nan)
        self._volumes = np.zeros(shape)
        self._known = np.zeros(shape, dtype=np.bool_)
        self._first = 0  # the minute of the first column
        self._newest: int | None = None

    def load(self, symbol: str, closed: CandleArray) -> None:
        """Replace all that is known of one symbol by closed candles (n, 7), oldest first."""
        row = self._rows[symbol]
        self._log_prices[row], self._volumes[row], self._known[row] = np.nan, 0, False
        if not len(closed):
            return
        recent = closed[-self._kept :]
        minutes = recent[:, OPEN_TIME].astype(np.int64) // MINUTE_MS
        self._make_room(int(minutes[-1]))
        columns = minutes - self._first
        kept = columns >= self._oldest_column()
        columns = columns[kept]
        if not len(columns):
            return
        self._known[row, columns] = True
        self._volumes[row, columns] = recent[kept, QUOTE_VOLUME]
        every = np.arange(columns[0], self._end_column())
        carried = np.searchsorted(columns, every, side="right") - 1
        self._log_prices[row, every] = np.log(recent[kept, CLOSE])[carried]

    def put(self, symbol: str, candle: Candle) -> None:
        """Take in a closed candle, in any order; one from before the kept time is left out."""
        minute = candle.open_time_ms // MINUTE_MS
        self._make_room(minute)
        row, column = self._rows[symbol], minute - self._first
        if column < self._oldest_column():
            return
        later = self._known[row, column + 1 : self._end_column()]
        carried = int(later.argmax()) if later.any() else len(later)
        self._log_prices[row, column : column + 1 + carried] = math.log(candle.close)
        self._volumes[row, column] = candle.quote_volume
        self._known[row, column] = True

    @property
    def newest(self) -> int | None:
        """The newest minute; None without any."""
        return self._newest

    def reach(self, minute: int) -> None:
        """Go on to a minute that others have."""
        self._make_room(minute)

    def misses_newest(self) -> bool:
        """Whether a symbol that had the minute before lacks the newest one."""
        end = self._end_column()
        return bool((self._known[:, end - 2] & ~self._known[:, end - 1]).any())

    def count_until(self, end: int, most: int) -> int:
        """How many minutes are known up to the minute `end`, from the first that any symbol has."""
        column = max(end - self._first, 0)
        start = max(column - most, 0)
        known = self._known[:, start:column].any(axis=0)
        return column - start - int(known.argmax()) if known.any() else 0

    def coverage(self, end: int, count: int) -> float:
        """The share of the `count` minutes up to `end` that have a candle, of all symbols."""
        column = end - self._first
        return float(self._known[:, column - count : column].mean())

    def minutes(self, end: int, count: int) -> tuple[Floats, Floats]:
        """Log prices and volumes of the `count` minutes up to `end`, (s, count) each."""
        column = end - self._first
        prices = self._log_prices[:, column - count : column].copy()
        for row, known in enumerate(self._known[:, column - count : column]):
            # What was carried from before that time is not known.
            prices[row, : known.argmax() if known.any() else count] = np.nan
        return prices, self._volumes[:, column - count : column]

    def steps(self, end: int, count: int, step: int) -> tuple[Floats, Floats]:
        """Log prices every `step` minutes, the last at `end`, (s, n), and the volumes between them,
        (s, n - 1), of the `count` minutes up to `end`."""
        column = end - self._first
        intervals = (count - 1) // step
        start = column - 1 - intervals * step
        prices = self._log_prices[:, start:column:step].copy()
        for row, known in enumerate(self._known[:, column - count : column]):
            first = column - count + int(known.argmax()) if known.any() else column
            prices[row, : max(0, -(-(first - start) // step))] = np.nan
        traded = self._volumes[:, start + 1 : column]
        sums = np.zeros((len(traded), intervals))
        for place in range(step):
            sums += traded[:, place::step]
        return prices, sums

    def _end_column(self) -> int:
        assert self._newest is not None
        return self._newest + 1 - self._first

    def _oldest_column(self) -> int:
        return self._end_column() - self._kept

    def _make_room(self, minute: int) -> None:
        """Go on to `minute`, where it is a new one."""
        if self._newest is None:
            self._first, self._newest = minute + 1 - self._kept, minute
            return
        if minute <= self._newest:
            return
        if minute - self._first >= self._known.shape[1]:
            self._move_up(minute + 1 - self._kept)
        # Over a silence that is longer than what is kept there is nothing to carry.
        end, new_end = max(self._end_column(), 0), minute + 1 - self._first
        if end:
            self._log_prices[:, end:new_end] = self._log_prices[:, end - 1 : end]
        self._newest = minute

    def _move_up(self, first: int) -> None:
        """Make `first` the minute of the first column; what is before it is given up."""
        passed = first - self._first
        for matrix, empty in ((self._log_prices, np.nan), (self._volumes, 0), (self._known, False)):
            left = matrix[:, passed:].copy()
            matrix[:, : left.shape[1]] = left
            matrix[:, left.shape[1] :] = empty
        self._first = first
