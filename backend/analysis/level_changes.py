"""Levels as they were said: a row for each time that one changed, those of a symbol together.

In columns, since a past that is gone through at once has thousands of them for each symbol: objects
of their own would be held, and looked at by every garbage collection, until they are written.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.analysis.levels import LADDER
from backend.clock import MINUTE_MS
from backend.market.models import SignalLevel

# When its minute ended, at which it was said; minutes of the timeframe; place of the level in
# `LADDER`; the score, and the price that the minute closed with.
CHANGE = np.dtype(
    [
        ("time_ms", "<i8"),
        ("timeframe", "<u2"),
        ("level", "u1"),
        ("score", "<f8"),
        ("price", "<f8"),
    ]
)
Changes = NDArray[np.void]
# One of them, as Python has it.
ChangeRow = tuple[int, int, int, float, float]

_PLACES = {level: place for place, level in enumerate(LADDER)}


def change_row(
    time_ms: int, timeframe_ms: int, level: SignalLevel, score: float, price: float
) -> ChangeRow:
    return time_ms, timeframe_ms // MINUTE_MS, _PLACES[level], score, price


def changes_of(rows: Sequence[ChangeRow]) -> Changes:
    """(n,), in their order."""
    return np.array(rows, CHANGE)


NO_CHANGES = np.empty(0, CHANGE)


def newest_of(before: Changes, after: Changes, most: int) -> Changes:
    """The newest `most` of both, of which `after` are the newer ones."""
    return np.concatenate((before, after))[-most:]
