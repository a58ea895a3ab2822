"""A symbol's rating on one timeframe: its score and level, and every vote behind them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from backend.analysis import rating
from backend.analysis.averages import Floats
from backend.analysis.indicators import Readings
from backend.analysis.levels import level_of
from backend.analysis.rows import KEPT_COLUMNS, MIN_CANDLES, CandleRows
from backend.market.models import OPEN_TIME, CandleArray, SignalLevel


@dataclass(frozen=True, slots=True)
class Vote:
    """One indicator: its value, and 1, 0 or -1; None where there are too few candles."""

    name: str
    value: float | None
    vote: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """The votes of one group, and their mean; None without one."""

    score: float | None
    votes: tuple[Vote, ...]

    def count(self, vote: int) -> int:
        """How many voted so."""
        return sum(one.vote == vote for one in self.votes)


@dataclass(frozen=True, slots=True)
class TimeframeRating:
    """The rating as of the candle in hand, which opened at `candle_ms`."""

    timeframe: str
    score: float
    level: SignalLevel
    moving_averages: Group
    oscillators: Group
    candle_ms: int


def rated(timeframe: str, candles: CandleArray) -> TimeframeRating | None:
    """The rating at the last of the timeframe's candles, shape (n, 7), oldest first, as if it
    closed as it stands, at the level of that score; None where there are too few before it.

    1,500 candles take 1.5 ms, of which the slowest average remembers hardly the first.
    """
    if len(candles) <= MIN_CANDLES:
        return None
    rows = CandleRows(1)
    rows.load(0, candles[:-1])
    in_hand = candles[-1:, KEPT_COLUMNS].T
    now = rows.read(np.array([0]), np.full(in_hand.shape, np.nan), in_hand)
    score = float(rating.scores(now)[0])
    (groups,) = groups_of(now)
    return TimeframeRating(timeframe, score, level_of(score), *groups, int(candles[-1, OPEN_TIME]))


def groups_of(now: Readings) -> list[tuple[Group, Group]]:
    """The moving averages and the oscillators of each row."""
    values = rating.values(now)
    averages, oscillators = rating.moving_average_votes(now), rating.oscillator_votes(now)
    return [
        (
            _group(rating.MOVING_AVERAGES, values[: len(averages), row], averages[:, row]),
            _group(rating.OSCILLATORS, values[len(averages) :, row], oscillators[:, row]),
        )
        for row in range(values.shape[1])
    ]


def _group(names: Sequence[str], values: Floats, votes: Floats) -> Group:
    mean = float(rating.mean_vote(votes[:, np.newaxis])[0])
    return Group(
        score=None if np.isnan(mean) else mean,
        votes=tuple(
            Vote(
                name,
                None if np.isnan(value) else value,
                None if np.isnan(vote) else int(vote),
            )
            for name, value, vote in zip(names, values.tolist(), votes.tolist(), strict=True)
        ),
    )
