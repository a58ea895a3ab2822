"""The range in which a price will lie in an hour and in a day, and how often such ranges held.

The model: log returns have no drift, and a variance that persists. The variance a minute is the
mean of the realised one over the last hour, six hours and day (the idea of Corsi's HAR model,
Journal of Financial Econometrics 2009, with fixed weights), from five-minute returns, which the
bounce between bid and ask blurs less than one-minute ones. A range reaches q standard deviations to
either side; q starts at the quantile of a Student t with 4 degrees of freedom and is then adapted
to what happened: it grows with each range that failed and shrinks with each that held, so that in
the long run the stated share holds (Gibbs and Candes, "Adaptive Conformal Inference", NeurIPS
2021). The daily cycle is left out: it cancels in a day, and two days of history do not show it.

It is a range, not a direction, and not advice.
"""

import math
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from backend.analysis.factors import Floats, rolling_mean
from backend.clock import MINUTE_MS
from backend.market.models import CLOSE, OPEN_TIME, Candle, CandleArray

HORIZONS = {"1h": 60, "24h": 24 * 60}  # minutes
# Two-sided quantiles of Student's t with 4 degrees of freedom, scaled to a variance of 1.
FIRST_WIDTHS = {0.5: 0.5238, 0.9: 1.5074}

RETURN_MINUTES = 5
WINDOWS = (60, 360, 1440)
WEIGHTS = (0.3, 0.3, 0.4)
KEPT_MINUTES = WINDOWS[-1] + RETURN_MINUTES + 1
MIN_MINUTES = 180
# A range is issued and checked every five minutes: often enough to count, and 290 of a symbol are
# open at most.
MARK_MINUTES = 5
# How far q follows one whole horizon of failures: a fifth. Faster it would chase its own errors,
# since ranges of the same horizon overlap and fail together.
ADAPTATION = 0.2
# q stays within this factor of where it started: a long lull must not teach that nothing moves.
MAX_ADAPTATION = 4.0
# e^100 is beyond any price; what an absurd feed delivers must not overflow.
MAX_HALF_WIDTH = 100.0
# A gap longer than this is an outage and not a quiet market: ranges that end in it can't be
# checked, and the move across it is no return of five minutes.
OUTAGE_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Range:
    """The price lies between `low` and `high` after `horizon` with probability `level`."""

    horizon: str
    level: float
    low: float
    high: float


@dataclass(slots=True)
class Tally:
    """How many ranges held, of all whose time has come."""

    hits: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class _Issued:
    due: int
    log_price: float
    half_widths: tuple[float, ...]


class _Horizon:
    """The open ranges of one symbol and horizon, and the widths they have taught."""

    def __init__(self, minutes: int) -> None:
        self.minutes = minutes
        self.widths = dict(FIRST_WIDTHS)
        self.tallies = {level: Tally() for level in FIRST_WIDTHS}
        self._open: deque[_Issued] = deque(maxlen=minutes // MARK_MINUTES + 1)
        self._step = ADAPTATION * MARK_MINUTES / minutes

    def half_widths(self, variance: float) -> tuple[float, ...]:
        deviation = math.sqrt(variance * self.minutes)
        return tuple(min(width * deviation, MAX_HALF_WIDTH) for width in self.widths.values())

    def mark(self, minute: int, log_price: float, variance: float | None) -> None:
        """Check the range that ends at `minute`, forget those that ended unseen, issue the next."""
        while self._open and self._open[0].due <= minute:
            issued = self._open.popleft()
            if issued.due == minute:
                self._check(issued, abs(log_price - issued.log_price))
        if variance is not None:
            due = minute + self.minutes
            self._open.append(_Issued(due, log_price, self.half_widths(variance)))

    def _check(self, issued: _Issued, move: float) -> None:
        for level, half_width in zip(self.widths, issued.half_widths, strict=True):
            hit = move <= half_width
            tally = self.tallies[level]
            tally.hits += hit
            tally.total += 1
            self._adapt(level, math.exp(self._step * (level - hit)))

    def _adapt(self, level: float, factor: float) -> None:
        first = FIRST_WIDTHS[level]
        width = self.widths[level] * factor
        self.widths[level] = min(max(width, first / MAX_ADAPTATION), first * MAX_ADAPTATION)


class _Track:
    """One symbol: its recent log prices, minute by minute, and its open ranges."""

    def __init__(self) -> None:
        self.horizons = {name: _Horizon(minutes) for name, minutes in HORIZONS.items()}
        self._log_prices: Floats = np.empty(0)
        self._minute: int | None = None  # of the newest price

    def load(self, closed: CandleArray) -> None:
        minutes = closed[:, OPEN_TIME].astype(np.int64) // MINUTE_MS
        logs = np.log(closed[:, CLOSE])
        outages = np.flatnonzero(np.diff(minutes) > OUTAGE_MINUTES) + 1
        for part in np.split(np.arange(len(closed)), outages):
            if len(part):
                self._load_part(minutes[part], logs[part])

    def _load_part(self, minutes: np.ndarray, logs: Floats) -> None:
        first = int(minutes[0])
        every = np.arange(first, int(minutes[-1]) + 1)
        carried = logs[np.searchsorted(minutes, every, side="right") - 1]
        known = self._joined(first, carried)
        offset = len(known) - len(every)
        variances = variance(known)
        for index in np.flatnonzero((every + 1) % MARK_MINUTES == 0).tolist():
            count = offset + index + 1
            value = float(variances[count - 1]) if count >= MIN_MINUTES else None
            self._mark(first + index, float(carried[index]), value)
        self._keep(known, int(every[-1]))

    def update(self, candle: Candle) -> None:
        minute, log_price = candle.open_time_ms // MINUTE_MS, math.log(candle.close)
        if self._minute is None or minute - self._minute > OUTAGE_MINUTES:
            self._follow(minute, log_price)
            return
        quiet = float(self._log_prices[-1])
        for passed in range(self._minute + 1, minute):
            self._follow(passed, quiet)
        if minute > self._minute:
            self._follow(minute, log_price)

    def variance(self) -> float | None:
        """The variance of a minute's log return as forecast now; None with too little history."""
        if len(self._log_prices) < MIN_MINUTES:
            return None
        return float(variance(self._log_prices)[-1])

    def _follow(self, minute: int, log_price: float) -> None:
        self._keep(self._joined(minute, np.array([log_price])), minute)
        if (minute + 1) % MARK_MINUTES == 0:
            self._mark(minute, log_price, self.variance())

    def _joined(self, minute: int, logs: Floats) -> Floats:
        """What is known, followed by `logs` from `minute` on, without the move over an outage."""
        known = self._log_prices
        if self._minute is not None and minute - self._minute > OUTAGE_MINUTES:
            known = known + (logs[0] - known[-1])
        return np.concatenate((known, logs))

    def _keep(self, log_prices: Floats, minute: int) -> None:
        self._log_prices, self._minute = log_prices[-KEPT_MINUTES:], minute

    def _mark(self, minute: int, log_price: float, value: float | None) -> None:
        for horizon in self.horizons.values():
            horizon.mark(minute, log_price, value)


def variance(log_prices: Floats) -> Floats:
    """The forecast variance of a minute's log return after each minute, shape like the input.

    The weighted mean of the realised variance over `WINDOWS`, over what there is at the start.
    """
    squares = np.zeros(len(log_prices))
    squares[RETURN_MINUTES:] = (log_prices[RETURN_MINUTES:] - log_prices[:-RETURN_MINUTES]) ** 2
    means = (
        weight * rolling_mean(squares / RETURN_MINUTES, window)
        for window, weight in zip(WINDOWS, WEIGHTS, strict=True)
    )
    total: Floats = sum(means, start=np.zeros(len(log_prices)))
    return np.maximum(total, 0)


class ForecastEngine:
    """Ranges for each symbol, issued and checked on closed one-minute candles."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self._tracks = {symbol: _Track() for symbol in symbols}

    def load(self, symbol: str, closed: CandleArray) -> None:
        """Start over from closed candles, shape (n, 7), oldest first.

        The ranges that would have been issued along the way are checked like any others: each
        depends on candles before it only. Two days take about 2 ms.
        """
        track = self._tracks[symbol] = _Track()
        track.load(closed)

    def update(self, symbol: str, candle: Candle) -> None:
        """Take in the next closed candle. One that is not newer than the last is known already."""
        self._tracks[symbol].update(candle)

    def ranges(self, symbol: str, price: float) -> tuple[Range, ...]:
        """The ranges about `price` from now on; none before three hours of candles."""
        track = self._tracks[symbol]
        value = track.variance()
        return () if value is None else tuple(_ranges(track.horizons, price, value))

    def coverage(self, symbol: str | None = None) -> dict[str, dict[float, Tally]]:
        """By horizon and level, how many ranges held so far: of one symbol, or of all."""
        tracks = self._tracks.values() if symbol is None else (self._tracks[symbol],)
        found = {name: {level: Tally() for level in FIRST_WIDTHS} for name in HORIZONS}
        for track in tracks:
            for name, horizon in track.horizons.items():
                for level, tally in horizon.tallies.items():
                    found[name][level].hits += tally.hits
                    found[name][level].total += tally.total
        return found


def _ranges(horizons: Mapping[str, _Horizon], price: float, value: float) -> Iterator[Range]:
    for name, horizon in horizons.items():
        for level, half_width in zip(horizon.widths, horizon.half_widths(value), strict=True):
            factor = math.exp(half_width)
            yield Range(name, level, price / factor, price * factor)
