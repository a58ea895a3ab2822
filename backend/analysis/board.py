"""Ratings of all symbols on all timeframes, from closed one-minute candles and the forming one.

A timeframe's candles are rolled up from minutes, as in `market.candles`. Its rating is that of its
closed candles and the one in hand, as if that closed now; its level is held (`levels`) and moves on
with each closed minute only, so that a level depends on closed minutes and on nothing else. All
rows are computed together: a pass over 20 symbols and six timeframes takes under a millisecond.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from functools import partial
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from backend.analysis.averages import Floats
from backend.analysis.indicators import Readings
from backend.analysis.level_changes import (
    NO_CHANGES,
    ChangeRow,
    Changes,
    change_row,
    changes_of,
    newest_of,
)
from backend.analysis.levels import HeldLevel, confirmation_candles
from backend.analysis.rating import scores
from backend.analysis.rows import (
    KEPT_COLUMNS,
    MIN_CANDLES,
    REMEMBERED_CANDLES,
    CandleRows,
    Numbers,
    rolled_after,
    scores_each_minute,
)
from backend.clock import MINUTE_MS
from backend.market.candles import INTERVALS, candle_row, empty_candles
from backend.market.models import CLOSE, OPEN_TIME, Candle, CandleArray, SignalLevel

T = TypeVar("T")

# If nobody asks in between so many of each symbol are kept, more than it says in a week; of what is
# read anew at once, all.
CHANGES_KEPT = 10_000
# So many candles give the votes that any more would give.
ENOUGH_CANDLES = 600
# Of the state that can be stored: levels of another rule mean nothing to this one.
STATE_VERSION = 1


class Run(Protocol):
    """Calls a function, and waits for what it returns."""

    def __call__(self, work: Callable[[], T], /) -> T: ...


def at_once(work: Callable[[], T]) -> T:
    """Call it here and now."""
    return work()


class _Fresh(NamedTuple):
    """A symbol as it was read anew, by timeframe: the closed candles, what is kept of the newest
    one (4, timeframes), when it begins, in ms, or -1, and the levels that were said."""

    candles: CandleRows
    hands: Floats
    begins: NDArray[np.int64]
    changes: Changes


class RatingBoard:
    """Ratings and held levels, a row for each symbol and timeframe.

    The same minutes give the same ratings, and where the level has had time to settle the same
    levels, however they were handed over; nothing later than a minute changes what was said at it.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        timeframes: Mapping[str, int] = INTERVALS,
        candle_ms: int = MINUTE_MS,
    ) -> None:
        """`candle_ms` is how long what it calls a minute is: where there are longer candles only,
        as long as these, and no longer than any timeframe."""
        self._candle_ms = candle_ms
        self.timeframes = tuple(timeframes)
        self._timeframes = dict(timeframes)
        self._intervals = np.array(list(timeframes.values()), dtype=np.int64)
        self._places = {symbol: place for place, symbol in enumerate(symbols)}
        count = len(symbols) * len(timeframes)
        self._candles = CandleRows(count)
        # The newest candle of each row, of closed minutes: complete or not, until the next begins.
        self._hand = np.full((len(KEPT_COLUMNS), count), np.nan)
        self._begins = np.full(count, -1, dtype=np.int64)
        self._newest = dict.fromkeys(symbols, -1)  # ms, open time of the newest closed minute
        self._said = dict.fromkeys(symbols, -1)  # of the newest that levels have gone through
        self._pending: dict[str, Candle] = {}
        self._changes: dict[str, Changes] = {}
        self._held = [self._new_level(timeframe) for _ in symbols for timeframe in timeframes]

    def rows(self, symbol: str) -> Numbers:
        """The rows of a symbol, in the order of `timeframes`."""
        width = len(self.timeframes)
        return np.arange(width) + self._places[symbol] * width

    def load(
        self,
        symbol: str,
        minutes: CandleArray,
        longer: Mapping[str, CandleArray] | None = None,
        run: Run = at_once,
    ) -> None:
        """Read the candles anew from closed minutes (n, 7), oldest first, and for each timeframe
        from those of `longer` that begin before them. A level that is held goes through the
        minutes that are new to it, one that is not through all of them.

        Two days take some 40 ms where all of it is new, a week 0.15 s. `run` has it done, in
        another thread if it likes, since nothing of it is anybody else's. Others see nothing of it
        before its end; `update`, `load`, `forget` and `restore` of the symbol have to wait for it.
        """
        self._take_in()
        rows, said = self.rows(symbol), self._said[symbol]
        held = [copy(self._held[row]) for row in rows.tolist()]
        since = [0 if level.level is None else said + 1 for level in held]
        fresh = run(partial(self._read_anew, minutes, longer or {}, held, since))
        self._pending.pop(symbol, None)
        self._candles.put(rows, fresh.candles)
        self._hand[:, rows], self._begins[rows] = fresh.hands, fresh.begins
        self._held[rows[0] : rows[-1] + 1] = held
        self._keep(symbol, fresh.changes)
        self._newest[symbol] = int(minutes[-1, OPEN_TIME]) if len(minutes) else -1
        self._said[symbol] = max(self._said[symbol], self._newest[symbol])

    def update(self, symbol: str, candle: Candle) -> bool:
        """Take in the next closed minute, if it is newer than the last; whether it is."""
        if candle.open_time_ms <= self._newest[symbol]:
            return False
        if symbol in self._pending:
            self._take_in()
        self._pending[symbol] = candle
        self._newest[symbol] = candle.open_time_ms
        return True

    def changes(self) -> dict[str, Changes]:
        """The levels that were said since this was last asked, by symbol, in order of time for each
        timeframe; nothing of a symbol that has none."""
        self._take_in()
        changes, self._changes = self._changes, {}
        return changes

    def level(self, row: int) -> SignalLevel | None:
        """The level that is held, as of the newest closed minute; None without enough candles."""
        self._take_in()
        return self._held[row].level if self._candles.counts[row] >= MIN_CANDLES else None

    def levels(self, symbol: str) -> dict[str, SignalLevel]:
        """The levels of a symbol that are held, by timeframe."""
        levels = zip(self.timeframes, map(self.level, self.rows(symbol).tolist()), strict=True)
        return {timeframe: level for timeframe, level in levels if level is not None}

    def is_short(self, symbol: str) -> bool:
        """Whether older candles could change what is said of a symbol on any timeframe."""
        return bool((self._candles.counts[self.rows(symbol)] < ENOUGH_CANDLES).any())

    def read(self, rows: Numbers, forming: Floats, opened_ms: Floats) -> Readings:
        """The readings of rows as if the forming minutes closed as they stand: `forming` (4, rows)
        and when they opened, NaN for none. One that has closed since is known already."""
        self._take_in()
        hand, begins = self._hand[:, rows], self._begins[rows]
        intervals = self._intervals[rows % len(self.timeframes)]
        known = np.repeat(list(self._newest.values()), len(self.timeframes))[rows]
        new = np.nan_to_num(opened_ms, nan=-1) > known
        within = new & (opened_ms - opened_ms % intervals == begins)
        complete = np.where(within, _extended(hand, forming), hand)
        return self._candles.read(rows, complete, np.where(new & ~within, forming, np.nan))

    def state(self, symbol: str) -> dict[str, Any]:
        """The levels of a symbol that are held, to be stored as JSON."""
        self._take_in()
        held = zip(self.timeframes, self.rows(symbol).tolist(), strict=True)
        return {
            "version": STATE_VERSION,
            "said": self._said[symbol],
            "levels": {timeframe: self._held[row].state() for timeframe, row in held},
        }

    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave; the next `load` goes through what has closed since. That of
        another version, and timeframes that are not here, are left alone. Raises ValueError,
        KeyError or TypeError for what is no state, and has changed nothing then."""
        if state["version"] != STATE_VERSION:
            return
        said, held = int(state["said"]), {}
        for timeframe, row in zip(self.timeframes, self.rows(symbol).tolist(), strict=True):
            if timeframe in state["levels"]:
                held[row] = copy(self._held[row])
                held[row].restore(state["levels"][timeframe])
        for row, level in held.items():
            self._held[row] = level
        self._said[symbol] = said

    def forget(self, symbol: str) -> None:
        """Know nothing of what is said of a symbol: the next `load` goes through all minutes."""
        self._take_in()
        for timeframe, row in zip(self.timeframes, self.rows(symbol).tolist(), strict=True):
            self._held[row] = self._new_level(timeframe)
        self._said[symbol] = -1

    def _new_level(self, timeframe: str) -> HeldLevel:
        return HeldLevel(confirmation_candles(self._timeframes[timeframe], self._candle_ms))

    def _read_anew(
        self,
        minutes: CandleArray,
        longer: Mapping[str, CandleArray],
        held: Sequence[HeldLevel],
        since_ms: Sequence[int],
    ) -> "_Fresh":
        """What is known of a symbol by these minutes; moves `held` on, each timeframe's through the
        minutes from its `since_ms` on. Touches nothing of the board's that changes."""
        count = len(held)
        hands = np.full((len(KEPT_COLUMNS), count), np.nan)
        candles, begins = CandleRows(count), np.full(count, -1, dtype=np.int64)
        said: list[ChangeRow] = []
        for place, (timeframe, interval) in enumerate(self._timeframes.items()):
            level, since = held[place], since_ms[place]
            earlier = longer.get(timeframe, empty_candles())
            rolled = _remembered(rolled_after(earlier, minutes, interval), since)
            if len(rolled):
                candles.load(place, rolled[-REMEMBERED_CANDLES:-1])
                hands[:, place] = rolled[-1, KEPT_COLUMNS]
                begins[place] = rolled[-1, OPEN_TIME]
            for places, found in scores_each_minute(minutes, rolled, since):
                for minute, score in zip(places.tolist(), found.tolist(), strict=True):
                    if level.update(score):
                        opened, price = minutes[minute, [OPEN_TIME, CLOSE]].tolist()
                        said.append(self._change(place, opened, level, score, price))
        return _Fresh(candles, hands, begins, changes_of(said))

    def _take_in(self) -> None:
        """Close what the pending minutes end, and say the levels at each."""
        if not self._pending:
            return
        pending, self._pending = self._pending, {}
        rows = np.concatenate([self.rows(symbol) for symbol in pending])
        each = np.array([candle_row(candle) for candle in pending.values()])
        candles = each.repeat(len(self.timeframes), axis=0)
        columns, opened = candles[:, KEPT_COLUMNS].T, candles[:, OPEN_TIME].astype(np.int64)
        begins = opened - opened % self._intervals[rows % len(self.timeframes)]
        same = self._begins[rows] == begins
        hand = self._hand[:, rows]
        ended = ~same & (self._begins[rows] >= 0)
        if ended.any():
            self._candles.close(rows[ended], hand[:, ended])
        hand = np.where(same, _extended(hand, columns), columns)
        self._hand[:, rows], self._begins[rows] = hand, begins
        none = np.full(hand.shape, np.nan)
        found = scores(self._candles.read(rows, hand, none))
        for place in np.flatnonzero(self._candles.counts[rows] >= MIN_CANDLES).tolist():
            symbol = list(pending)[place // len(self.timeframes)]
            if opened[place] > self._said[symbol]:
                price = float(candles[place, CLOSE])
                self._say(symbol, int(rows[place]), int(opened[place]), price, float(found[place]))
        for symbol, candle in pending.items():
            self._said[symbol] = max(self._said[symbol], candle.open_time_ms)

    def _say(self, symbol: str, row: int, opened: float, price: float, score: float) -> None:
        if self._held[row].update(score):
            place = row % len(self.timeframes)
            change = self._change(place, opened, self._held[row], score, price)
            self._keep(symbol, changes_of([change]))

    def _keep(self, symbol: str, changes: Changes) -> None:
        if len(changes):
            before = self._changes.get(symbol, NO_CHANGES)
            kept = max(CHANGES_KEPT, len(changes))
            self._changes[symbol] = newest_of(before, changes, kept)

    def _change(
        self, place: int, opened: float, held: HeldLevel, score: float, price: float
    ) -> ChangeRow:
        assert held.level is not None
        interval = int(self._intervals[place])
        return change_row(int(opened) + self._candle_ms, interval, held.level, score, price)


def _remembered(rolled: CandleArray, since_ms: float) -> CandleArray:
    """Without what is too old to matter from `since_ms` on."""
    since = int(np.searchsorted(rolled[:, OPEN_TIME], since_ms))
    found: CandleArray = rolled[max(0, since - REMEMBERED_CANDLES) :]
    return found


def _extended(hand: Floats, minutes: Floats) -> Floats:
    """Candles (4, rows) with a further minute in each."""
    high, low, close, volume = minutes
    return np.array([np.maximum(hand[0], high), np.minimum(hand[1], low), close, hand[3] + volume])
