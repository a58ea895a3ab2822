"""From a score to a level that holds: hysteresis at its bounds, and a confirmation.

A score at a bound crosses it many times an hour; whoever acts on a level needs one that stays. The
level that is held changes only once the score has been well outside of it for a while: by 0.1 on
the far side, away from zero, by 0.15 on the near one, and for a sixth of the timeframe, minute by
closed minute. `python -m backend.evaluate --of levels` shows what other choices would have done.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from backend.clock import MINUTE_MS
from backend.market.models import SignalLevel

STRONG = 0.5
WEAK = 0.1

# From the lowest to the highest, and the bounds between them.
LADDER = (
    SignalLevel.STRONG_SELL,
    SignalLevel.SELL,
    SignalLevel.HOLD,
    SignalLevel.BUY,
    SignalLevel.STRONG_BUY,
)
BOUNDS = (-STRONG, -WEAK, WEAK, STRONG)
DIRECTIONS = dict(zip(LADDER, (-1, -1, 0, 1, 1), strict=True))

FAR_MARGIN = 0.1
NEAR_MARGIN = 0.15
CONFIRMED_SHARE = 1 / 6

# Hardly ever exceeded, since the oscillators seldom agree: 99.9 % of the minutes of the recordings
# named in `reasons` lie below it.
FULL_SCORE = 0.65


def level_of(score: float) -> SignalLevel:
    """The rating's level: over 0.5 strong buy, over 0.1 buy, likewise below, else hold."""
    if score > STRONG:
        return SignalLevel.STRONG_BUY
    if score > WEAK:
        return SignalLevel.BUY
    if score < -STRONG:
        return SignalLevel.STRONG_SELL
    if score < -WEAK:
        return SignalLevel.SELL
    return SignalLevel.HOLD


def strength_of(score: float, level: SignalLevel) -> float:
    """How far the score is into the level that is held, 0.5..1.0; 0.5 where it is outside.

    0.5 where buy or sell meets hold. From there it grows with |score| to 1.0 at `FULL_SCORE` (0.86
    at a strong signal's edge), and within hold to 1.0 at a score of 0.
    """
    if level is not level_of(score):
        return 0.5
    size = abs(score)
    if size <= WEAK:
        return 1 - 0.5 * size / WEAK
    return 0.5 + 0.5 * min(1.0, (size - WEAK) / (FULL_SCORE - WEAK))


def confirmation_candles(timeframe_ms: int, candle_ms: int = MINUTE_MS) -> int:
    """For how many closed minutes in a row, or longer candles, a score has to be outside."""
    return max(1, round(timeframe_ms / candle_ms * CONFIRMED_SHARE))


@cache
def _stay(far_margin: float, near_margin: float) -> Mapping[SignalLevel, tuple[float, float]]:
    """Between which scores each level is held; one table for all who hold with these margins."""
    bounds = zip(LADDER, DIRECTIONS.values(), (-1.0, *BOUNDS), (*BOUNDS, 1.0), strict=True)
    return {
        level: (
            low - (far_margin if direction <= 0 else near_margin),
            high + (far_margin if direction >= 0 else near_margin),
        )
        for level, direction, low, high in bounds
    }


class HeldLevel:
    """The level of one symbol and timeframe that is said. None before the first score."""

    __slots__ = ("_confirmation", "_outside", "_stay", "level")

    def __init__(
        self, confirmation: int, far_margin: float = FAR_MARGIN, near_margin: float = NEAR_MARGIN
    ) -> None:
        self._confirmation = confirmation
        self._stay = _stay(far_margin, near_margin)
        self.level: SignalLevel | None = None
        self._outside = 0  # closed minutes in a row

    def update(self, score: float) -> bool:
        """Take in the score at the next closed minute; whether the level changed."""
        if self.level is None:
            self.level = level_of(score)
            return True
        low, high = self._stay[self.level]
        # Within the margins another level's score is none yet.
        if low <= score <= high:
            self._outside = 0
            return False
        self._outside += 1
        if self._outside < self._confirmation:
            return False
        self.level, self._outside = level_of(score), 0
        return True

    def state(self) -> list[Any]:
        """What `restore` goes on from, as JSON."""
        return [self.level, self._outside]

    def restore(self, state: list[Any]) -> None:
        """Go on from a `state`; ValueError or TypeError for what is none."""
        level, outside = state
        self.level = None if level is None else SignalLevel(level)
        self._outside = int(outside)
