"""What became of the levels that were said: of each the price's return after four horizons.

A level counts once, when it changes: at the end of its minute, at the price that closed with. Each
quarter of an hour a *moment* is noted beside them, whether anything was said or not, and judged by
the same rule: what any time would have brought is what a signal has to be measured against.

Everything here follows from closed minutes: however they were handed over, the same notes.
"""

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from backend.analysis.averages import Floats
from backend.analysis.level_changes import Changes
from backend.clock import DAY_MINUTES, DAY_MS, HOUR_MS, MINUTE_MS
from backend.market.candles import INTERVALS
from backend.market.models import CLOSE, OPEN_TIME, CandleArray

HORIZONS = {"15m": 15 * MINUTE_MS, "1h": HOUR_MS, "4h": 4 * HOUR_MS, "24h": DAY_MS}
# Of moments; and what is known by the end of one is judged at it, so that a day of a symbol is
# written once a quarter of an hour and not each minute.
QUARTER_MS = 15 * MINUTE_MS
# A minute without a trade has no candle, and the price is what it was. After five of them that is
# an outage: it would say of the shortest horizon that hardly anything happened.
PRICE_AGE_MS = 5 * MINUTE_MS
# A feed fills a gap once it is back. What is not known by then never will be.
SETTLED_MS = DAY_MS

# A note: the minute, since 1970, at whose beginning it was said (which is the end of the one that
# it rests on); minutes of the timeframe; place of the level in `LADDER`; the price, and its
# returns.
NOTE = np.dtype(
    [
        ("minute", "<u4"),
        ("timeframe", "<u2"),
        ("level", "u1"),
        ("price", "<f8"),
        ("returns", "<f4", (len(HORIZONS),)),
    ]
)
Notes = NDArray[np.void]
# In place of a timeframe and a level, of a moment.
MOMENT = 0
# In place of a return: not known yet; and never to be known, since the horizon ended in an outage.
OPEN, LEFT_OUT = np.nan, np.inf

QUARTER_MINUTES = QUARTER_MS // MINUTE_MS
_HORIZONS_MS = np.array(list(HORIZONS.values()))


def timeframe_code(timeframe: str) -> int:
    """A timeframe as a note has it: in minutes."""
    return INTERVALS[timeframe] // MINUTE_MS


class SymbolRecord:
    """The notes of one symbol, in order of time."""

    def __init__(self, notes: Notes | None = None, candle_ms: int = MINUTE_MS) -> None:
        """Go on from all notes that were taken of some days; levels that were said up to the newest
        of them are known, and not noted again, and nothing is of days before. `candle_ms` is how
        long the candles are that they are judged by; of longer ones than minutes there are moments
        at their ends only, and what ends within one is left out."""
        self._candle_ms = candle_ms
        self.notes = np.empty(0, NOTE) if notes is None else notes
        first = int(self.notes["minute"][0]) if len(self.notes) else 0
        self._since = first - first % DAY_MINUTES
        said = self.notes[self.notes["timeframe"] != MOMENT]
        self._known = int(said["minute"].max()) if len(said) else -1
        # The last of each timeframe, and when it was said.
        self._levels = dict(zip(said["timeframe"].tolist(), said["level"].tolist(), strict=True))
        self._newest: dict[int, int] = {}
        self._changed: set[int] = set()

    @property
    def newest_ms(self) -> int:
        """When something was noted last; 0 where nothing was."""
        return int(self.notes["minute"][-1]) * MINUTE_MS if len(self.notes) else 0

    def note(self, changes: Changes) -> None:
        """Take in what was said: of each timeframe in order of time. Where the past is gone through
        again, what is said anew of the time before a timeframe's newest level counts nothing."""
        rows = []
        for time_ms, timeframe, level, _score, price in changes.tolist():
            minute = time_ms // MINUTE_MS
            known = max(self._known, self._newest.get(timeframe, -1), self._since - 1)
            if minute > known and self._levels.get(timeframe) != level:
                self._levels[timeframe], self._newest[timeframe] = level, minute
                rows.append((minute, timeframe, level, price, OPEN))
        self._add(np.array(rows, NOTE))

    def judge(self, minutes: CandleArray, since_ms: float = math.inf) -> None:
        """Note moments, and judge what can be, up to the last quarter of an hour that closed
        `minutes` (n, 7), oldest first, reach. From `since_ms` on they may have been repaired."""
        if not len(minutes):
            return
        newest_ms = int(minutes[-1, OPEN_TIME]) + self._candle_ms
        until_ms = newest_ms - newest_ms % QUARTER_MS
        self._note_moments(minutes, since_ms, until_ms)
        said_ms = self.notes["minute"].astype(np.int64) * MINUTE_MS
        ends = said_ms[:, np.newaxis] + _HORIZONS_MS
        held = self.notes["returns"]
        due = (np.isnan(held) | (ends > since_ms)) & (ends <= until_ms)
        rows = np.flatnonzero(due.any(axis=1))
        ends, held, due = ends[rows], held[rows], due[rows]
        prices = prices_at(minutes, ends, self._candle_ms)
        found = prices / self.notes["price"][rows, np.newaxis] - 1
        found = np.where(due & np.isfinite(found), found.astype(held.dtype), held)
        found[np.isnan(found) & (ends <= until_ms - SETTLED_MS)] = LEFT_OUT
        differs = ~((found == held) | (np.isnan(found) & np.isnan(held))).all(axis=1)
        self.notes["returns"][rows[differs]] = found[differs]
        self._note_days(self.notes["minute"][rows[differs]])

    @property
    def days_changed(self) -> int:
        """How many days `take_changed` has to give."""
        return len(self._changed)

    def take_changed(self) -> int | None:
        """A day, since 1970, of which there are other notes than when it was last taken, or None.
        It counts as known then."""
        return self._changed.pop() if self._changed else None

    def of_day(self, day: int) -> Notes:
        """All notes of a day."""
        notes: Notes = self.notes[self.notes["minute"] // DAY_MINUTES == day]
        return notes

    def mark(self, days: Iterable[int]) -> None:
        """Have these days given again, since they could not be written."""
        self._changed.update(days)

    def forget(self, before_day: int) -> None:
        """Let go of what was said before then: it is judged, and stays as it was written."""
        self._since = max(self._since, before_day * DAY_MINUTES)
        self.notes = self.notes[self.notes["minute"] >= self._since]

    def _note_moments(self, minutes: CandleArray, since_ms: float, until_ms: int) -> None:
        """Each quarter of an hour of `minutes` that has none yet; of those that may have been
        repaired, at the price that they have now."""
        first = max(int(minutes[0, OPEN_TIME]) // QUARTER_MS + 1, self._since // QUARTER_MINUTES)
        quarters = np.arange(first, until_ms // QUARTER_MS + 1) * QUARTER_MINUTES
        prices = prices_at(minutes, quarters * MINUTE_MS, self._candle_ms)
        moments = self.notes["timeframe"] == MOMENT
        of_moments = self.notes[moments]
        places = np.searchsorted(of_moments["minute"], quarters)
        known = np.append(of_moments["minute"], 0)[places] == quarters
        repaired = known & (quarters * MINUTE_MS > since_ms) & ~np.isnan(prices)
        repaired[known] &= of_moments["price"][places[known]] != prices[known]
        if repaired.any():
            rows = np.flatnonzero(moments)[places[repaired]]
            self.notes["price"][rows] = prices[repaired]
            self.notes["returns"][rows] = OPEN
            self._note_days(quarters[repaired])
        new = ~known & ~np.isnan(prices)
        found = np.zeros(np.count_nonzero(new), NOTE)
        found["minute"], found["price"], found["returns"] = quarters[new], prices[new], OPEN
        self._add(found)

    def _add(self, notes: Notes) -> None:
        if len(notes):
            self._note_days(notes["minute"])
            both = np.concatenate((self.notes, notes))
            # By timeframe within a minute: moments first.
            self.notes = both[np.lexsort((both["timeframe"], both["minute"]))]

    def _note_days(self, minutes: NDArray[np.integer]) -> None:
        self._changed.update(np.unique(minutes // DAY_MINUTES).tolist())


def prices_at(
    minutes: CandleArray, times_ms: NDArray[np.integer], candle_ms: int = MINUTE_MS
) -> Floats:
    """The price at each instant by closed minutes (n, 7), oldest first, or candles of another
    length: that of the last that had ended; NaN where there is none, or an old one only."""
    ended = minutes[:, OPEN_TIME] + candle_ms
    places = np.searchsorted(ended, times_ms, side="right") - 1
    there = (places >= 0) & (times_ms - ended[places] <= PRICE_AGE_MS)
    prices: Floats = np.where(there, minutes[places, CLOSE], np.nan)
    return prices
