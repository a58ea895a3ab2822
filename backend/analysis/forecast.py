"""Forecast ranges of symbols: where a price will lie in an hour and in a day, and how often such
ranges held.

Log returns have no drift, and a deviation that is forecast in `volatility`; how many of them a
range reaches is learnt in `ranges`. It is a range, not a direction, and not advice.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from backend.analysis import volatility
from backend.analysis.averages import Floats
from backend.analysis.ranges import HORIZONS, LEVELS, Ranges, Tally
from backend.clock import MINUTE_MS
from backend.market.models import CLOSE, OPEN_TIME, Candle, CandleArray

# Of the state that can be stored: widths of another model mean nothing to this one.
STATE_VERSION = 1

MIN_MINUTES = 180
# A gap longer than this is an outage and not a quiet market: ranges that end in it can't be
# checked, and the move across it is no return of five minutes.
OUTAGE_MINUTES = 60
KEPT_MINUTES = volatility.WINDOWS[-1]
# Going through history, others get a turn after so many marks, about 1 ms.
MARKS_A_TURN = 100


@dataclass(frozen=True, slots=True)
class Range:
    """The price lies between `low` and `high` after `horizon` with probability `level`."""

    horizon: str
    level: float
    low: float
    high: float


class _Track:
    """One symbol: its recent prices, minute by minute, its open ranges and what they taught.

    What was learnt survives that prices are read anew: a range is issued once, and checked once.
    """

    def __init__(self) -> None:
        self.ranges = {name: Ranges(horizon) for name, horizon in HORIZONS.items()}
        self._marked = -1  # the last minute that was gone through
        self._minute: int | None = None  # of the newest price
        self._logs: Floats = np.empty(0)
        # What each minute known adds to the variance; 0 for the first, which has none before it.
        self._squares: Floats = np.empty(0)

    def load(self, closed: CandleArray, pause: Callable[[], object]) -> None:
        """Take prices from closed candles; go through the minutes that are new among them."""
        self._minute, self._logs, self._squares = None, np.empty(0), np.empty(0)
        minutes = closed[:, OPEN_TIME].astype(np.int64) // MINUTE_MS
        logs = np.log(closed[:, CLOSE])
        outages = np.flatnonzero(np.diff(minutes) > OUTAGE_MINUTES) + 1
        for part in np.split(np.arange(len(closed)), outages):
            if len(part):
                every = np.arange(minutes[part[0]], minutes[part[-1]] + 1)
                places = np.searchsorted(minutes[part], every, side="right") - 1
                self._load_part(int(every[0]), logs[part][places], pause)

    def _load_part(self, first: int, logs: Floats, pause: Callable[[], object]) -> None:
        before = len(self._squares)
        self._extend(first, logs)
        deviations = volatility.usual_deviations(self._squares)
        marks = [
            minute
            for minute in range(max(first, self._marked + 1), first + len(logs))
            if any(ranges.is_mark(minute) for ranges in self.ranges.values())
        ]
        for number, minute in enumerate(marks, 1):
            place = minute - first
            known = before + place + 1
            column = deviations[:, known - 1]
            self._go_through(minute, float(logs[place]), column, known)
            self._marked = minute  # whoever asks for the state in a pause has it so far
            if number % MARKS_A_TURN == 0:
                pause()
        self._marked = max(self._marked, first + len(logs) - 1)
        self._squares = self._squares[-KEPT_MINUTES:]

    def update(self, candle: Candle) -> None:
        """Take in the next closed candle; the minutes without one carry the last price."""
        minute, log_price = candle.open_time_ms // MINUTE_MS, math.log(candle.close)
        if self._minute is None or minute - self._minute > OUTAGE_MINUTES:
            self._follow(minute, log_price)
            return
        quiet = float(self._logs[-1])
        for passed in range(self._minute + 1, minute):
            self._follow(passed, quiet)
        if minute > self._minute:
            self._follow(minute, log_price)

    def half_widths(self) -> dict[str, tuple[float, ...]]:
        """Of the ranges from now on, by horizon; none with too little history."""
        if self._minute is None or len(self._squares) < MIN_MINUTES:
            return {}
        newest = volatility.newest_deviations(self._squares)
        return {
            name: ranges.half_widths(newest, self._minute, len(self._squares))
            for name, ranges in self.ranges.items()
        }

    def state(self) -> dict[str, Any]:
        return {
            "marked": self._marked,
            "horizons": {name: ranges.state() for name, ranges in self.ranges.items()},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        for name, ranges in self.ranges.items():
            ranges.restore(state["horizons"][name])
        self._marked = int(state["marked"])

    def _follow(self, minute: int, log_price: float) -> None:
        self._extend(minute, np.array([log_price]))
        self._squares = self._squares[-KEPT_MINUTES:]
        if minute > self._marked:
            self._marked = minute
            if any(ranges.is_mark(minute) for ranges in self.ranges.values()):
                newest = volatility.newest_deviations(self._squares)
                self._go_through(minute, log_price, newest, len(self._squares))

    def _go_through(self, minute: int, log_price: float, deviations: Floats, known: int) -> None:
        for ranges in self.ranges.values():
            if ranges.is_mark(minute):
                ranges.check(minute, log_price)
                if known >= MIN_MINUTES:
                    half_widths = ranges.half_widths(deviations, minute, known)
                    ranges.issue(minute, log_price, half_widths)

    def _extend(self, minute: int, logs: Floats) -> None:
        """Take in prices from `minute` on, without the move over an outage before it."""
        before = self._logs
        if not len(before):
            before = np.full(volatility.RETURN_MINUTES, logs[0])
        elif self._minute is not None and minute - self._minute > OUTAGE_MINUTES:
            before = before + (logs[0] - before[-1])
        joined = np.concatenate((before, logs))
        new = volatility.squares(joined, minute - len(before))
        self._squares = np.concatenate((self._squares, new))
        self._logs = joined[-volatility.RETURN_MINUTES :]
        self._minute = minute + len(logs) - 1


class ForecastEngine:
    """Ranges for each symbol, issued and checked on closed one-minute candles."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self._tracks = {symbol: _Track() for symbol in symbols}

    def follow(self, symbol: str) -> None:
        """Forecast one symbol more."""
        self._tracks[symbol] = _Track()

    def unfollow(self, symbol: str) -> None:
        """Forecast a symbol no more."""
        self._tracks.pop(symbol, None)

    def forget(self, symbol: str) -> None:
        """Know nothing of a symbol; `load` is to follow."""
        self._tracks[symbol] = _Track()

    def load(
        self, symbol: str, closed: CandleArray, pause: Callable[[], object] = lambda: None
    ) -> None:
        """Read the prices anew from closed candles, shape (n, 7), oldest first.

        Minutes that were not seen before are gone through: the ranges that would have been issued
        along the way are checked like any others, each depends on candles before it only. What was
        learnt from those that were is kept. A week takes about 20 ms, with a `pause` each.
        """
        self._tracks[symbol].load(closed, pause)

    def update(self, symbol: str, candle: Candle) -> None:
        """Take in the next closed candle. One that is not newer than the last is known already."""
        self._tracks[symbol].update(candle)

    def ranges(self, symbol: str, price: float) -> tuple[Range, ...]:
        """The ranges about `price` from now on; none before three hours of candles."""
        return tuple(_about(price, self._tracks[symbol].half_widths()))

    def coverage(self, symbol: str | None = None) -> dict[str, dict[float, Tally]]:
        """By horizon and level, how many ranges held so far: of one symbol, or of all."""
        tracks = self._tracks.values() if symbol is None else (self._tracks[symbol],)
        found = {name: {level: Tally() for level in LEVELS} for name in HORIZONS}
        for track in tracks:
            for name, ranges in track.ranges.items():
                for level, tally in zip(LEVELS, ranges.tallies, strict=True):
                    found[name][level].hits += tally.hits
                    found[name][level].total += tally.total
        return found

    def state(self, symbol: str) -> dict[str, Any]:
        """What was learnt of a symbol, to be stored as JSON, about 4 KB: widths, tallies, open
        ranges. Prices are not in it; `load` gives them after `restore`."""
        return {"version": STATE_VERSION, **self._tracks[symbol].state()}

    def restore(self, symbol: str, state: Mapping[str, Any]) -> None:
        """Go on from what `state` gave; `load` is to follow. That of another version is left alone.
        Raises ValueError, KeyError or TypeError for what is no state, and has changed nothing
        then."""
        if state["version"] == STATE_VERSION:
            track = _Track()
            track.restore(state)
            self._tracks[symbol] = track


def _about(price: float, half_widths: Mapping[str, tuple[float, ...]]) -> Iterator[Range]:
    for name, of_levels in half_widths.items():
        for level, half_width in zip(LEVELS, of_levels, strict=True):
            factor = math.exp(half_width)
            yield Range(name, level, price / factor, price * factor)
