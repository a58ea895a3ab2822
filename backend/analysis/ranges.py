"""The ranges of one symbol and horizon: issued, checked when their time has come, and learnt from.

A range reaches q deviations to either side of the price. q starts at what held in the past and is
then adapted to what happens: it grows with each range that failed and shrinks with each that held,
so that in the long run the stated share holds (Gibbs and Candes, "Adaptive Conformal Inference",
NeurIPS 2021).
"""

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from backend.analysis import volatility
from backend.analysis.averages import Floats
from backend.clock import DAY_MINUTES

LEVELS = (0.5, 0.9)


@dataclass(frozen=True, slots=True)
class Horizon:
    """`minutes` ahead; ranges are issued every `mark_minutes`; how much each of
    `volatility.WINDOWS` weighs; the first q for each of `LEVELS`; and how much wider those are
    with next to no history, when it is the rare moves that are not known."""

    minutes: int
    mark_minutes: int
    weights: tuple[float, ...]
    first_widths: tuple[float, ...]
    unsure: tuple[float, ...]
    ahead: Floats = field(repr=False, compare=False)


# Chosen by interval score on recordings of 2018 and 2021 and, for a day, on the quantiles of six
# years of four-hour candles: `python -m backend.evaluate --of forecast` compares. The farther ahead
# the less the last hours say. Ranges of a day overlap by more, so fewer of them say as much.
HORIZONS = {
    "1h": Horizon(60, 5, (0.15, 0.2, 0.3, 0.35), (0.54, 1.57), (0.0, 0.5), volatility.ahead(60)),
    "24h": Horizon(
        1440, 30, (0.1, 0.1, 0.2, 0.6), (0.55, 2.0), (0.0, 0.15), volatility.ahead(1440)
    ),
}
# How far q follows one whole horizon of failures: a fiftieth. Faster it would chase its own errors,
# since ranges of the same horizon overlap and fail together: at a fifth the interval score is worse
# by 2 % than with no learning at all.
ADAPTATION = 0.02
# q stays within this factor of where it started: a long lull must not teach that nothing moves.
MAX_ADAPTATION = 4.0
# e^100 is beyond any price; what an absurd feed delivers must not overflow.
MAX_HALF_WIDTH = 100.0


@dataclass(slots=True)
class Tally:
    """How many ranges held, of all whose time has come."""

    hits: int = 0
    total: int = 0


# A range that is open: when it ends, the log price that it is about, and its half widths. A plain
# tuple of numbers is nothing to the garbage collector, and there are 60 of these for each symbol.
_Issued = tuple[int, float, tuple[float, ...]]


class Ranges:
    """The open ranges of one symbol and horizon, and the widths they have taught."""

    def __init__(self, horizon: Horizon) -> None:
        self.horizon = horizon
        self.widths = list(horizon.first_widths)
        self.tallies = [Tally() for _ in LEVELS]
        self._open: deque[_Issued] = deque(maxlen=horizon.minutes // horizon.mark_minutes + 1)
        self._step = ADAPTATION * horizon.mark_minutes / horizon.minutes

    def half_widths(self, deviations: Floats, minute: int, known: int) -> tuple[float, ...]:
        """Of ranges from `minute` on, by the deviations over each window and how many minutes are
        known."""
        a_minute = float(np.dot(self.horizon.weights, deviations))
        deviation = a_minute * float(self.horizon.ahead[minute % DAY_MINUTES])
        missing = volatility.missing(known)
        return tuple(
            min(width * (1 + unsure * missing) * deviation, MAX_HALF_WIDTH)
            for width, unsure in zip(self.widths, self.horizon.unsure, strict=True)
        )

    def is_mark(self, minute: int) -> bool:
        return (minute + 1) % self.horizon.mark_minutes == 0

    def check(self, minute: int, log_price: float) -> None:
        """Check the range that ends at `minute`, forget those that ended unseen."""
        while self._open and self._open[0][0] <= minute:
            due, issued_at, half_widths = self._open.popleft()
            if due == minute:
                self._learn(half_widths, abs(log_price - issued_at))

    def issue(self, minute: int, log_price: float, half_widths: tuple[float, ...]) -> None:
        self._open.append((minute + self.horizon.minutes, log_price, half_widths))

    def state(self) -> dict[str, Any]:
        return {
            "widths": list(self.widths),
            "hits": [tally.hits for tally in self.tallies],
            "totals": [tally.total for tally in self.tallies],
            "open": [[due, log_price, *widths] for due, log_price, widths in self._open],
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        widths = [float(width) for width in state["widths"]]
        tallies = [
            Tally(int(hits), int(total))
            for hits, total in zip(state["hits"], state["totals"], strict=True)
        ]
        if not len(widths) == len(tallies) == len(LEVELS):
            raise ValueError("not the state of a forecast of these levels")
        self.widths, self.tallies = widths, tallies
        self._open.clear()
        for due, log_price, *half_widths in state["open"]:
            self._open.append((int(due), float(log_price), tuple(map(float, half_widths))))

    def _learn(self, half_widths: tuple[float, ...], move: float) -> None:
        for place, (level, half_width) in enumerate(zip(LEVELS, half_widths, strict=True)):
            hit = move <= half_width
            tally = self.tallies[place]
            tally.hits += hit
            tally.total += 1
            first = self.horizon.first_widths[place]
            width = self.widths[place] * math.exp(self._step * (level - hit))
            self.widths[place] = min(max(width, first / MAX_ADAPTATION), first * MAX_ADAPTATION)
