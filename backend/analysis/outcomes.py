"""What became of a symbol's signals, in columns: for whoever counts over hundreds of days."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.analysis.levels import LADDER
from backend.analysis.track_record import NOTE, Notes

Minutes = NDArray[np.uint32]
Returns = NDArray[np.float32]


class Outcomes(NamedTuple):
    """Notes of one symbol, timeframe and level: `minutes` (n,) in order of time, and `returns`
    (horizons, n)."""

    minutes: Minutes
    returns: Returns


class SymbolOutcomes:
    """Notes of one symbol, of every timeframe and level: 22 bytes each. However many kinds there
    are, they are three arrays, and what is asked for is a view of these."""

    __slots__ = ("_kinds", "_minutes", "_returns")

    def __init__(self, kinds: NDArray[np.uint16], minutes: Minutes, returns: Returns) -> None:
        """`kinds` (n,) as `_kind` gives them, `returns` (horizons, n), in order of time."""
        order = np.argsort(kinds, kind="stable")
        self._kinds, self._minutes = kinds.take(order), minutes.take(order)
        # Those of a horizon beside each other.
        self._returns = returns.take(order, axis=1)

    @classmethod
    def of_notes(cls, notes: Notes) -> "SymbolOutcomes":
        """`notes` in order of time."""
        return cls(_kind(notes["timeframe"], notes["level"]), notes["minute"], notes["returns"].T)

    @property
    def newest(self) -> int:
        """The minute of the newest; 0 where there is none."""
        return int(self._minutes.max(initial=0))

    def of(self, timeframe: int, level: int) -> Outcomes:
        """Those of a timeframe, as a note has it, and place of a level."""
        kind = _kind(np.uint16(timeframe), level)
        span = slice(*np.searchsorted(self._kinds, [kind, kind + np.uint16(1)]).tolist())
        return Outcomes(self._minutes[span], self._returns[:, span])

    def followed_by(self, first: int, end: int, later: "SymbolOutcomes") -> "SymbolOutcomes":
        """Those of minutes from `first` to before `end`, and all of `later`, which are newer."""
        kept = np.flatnonzero((self._minutes >= first) & (self._minutes < end))
        return SymbolOutcomes(
            np.concatenate((self._kinds.take(kept), later._kinds)),
            np.concatenate((self._minutes.take(kept), later._minutes)),
            np.concatenate((self._returns.take(kept, axis=1), later._returns), axis=1),
        )


def _kind(timeframes: NDArray[np.uint16] | np.uint16, levels: NDArray[np.uint8] | int) -> Any:
    return timeframes * np.uint16(len(LADDER)) + levels


NO_OUTCOMES = SymbolOutcomes.of_notes(np.empty(0, NOTE))
