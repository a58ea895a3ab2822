"""What holding a level costs and gives: changes an hour against delay, for margins and
confirmations, on the default timeframe and the one below it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from backend.analysis.averages import Floats
from backend.analysis.levels import FAR_MARGIN, LADDER, NEAR_MARGIN, HeldLevel, level_of
from backend.analysis.rows import scores_each_minute
from backend.clock import HOUR_MS, MINUTE_MS
from backend.evaluate.tables import table
from backend.market.candles import INTERVALS, roll_up
from backend.market.models import OPEN_TIME, CandleArray

TIMEFRAMES = ("15m", "1h")
# (far, near), with none first; and shares of the timeframe for which a change is confirmed.
MARGINS = ((0.0, 0.0), (0.05, 0.1), (FAR_MARGIN, NEAR_MARGIN), (0.1, 0.2))
CONFIRMATIONS = (0.0, 1 / 20, 1 / 6, 1 / 3)


@dataclass(frozen=True, slots=True)
class Held:
    """What became of one rule on one history; shares of its minutes, `delay` in minutes."""

    changes_an_hour: float
    still_said: float
    rated_so: float
    within_one: float
    away: float
    delay: float
    minutes: int


def levels_table(histories: Mapping[str, CandleArray]) -> str:
    """Every rule on every timeframe, over all histories that are long enough, by their minutes."""
    lines = []
    for timeframe in TIMEFRAMES:
        interval = INTERVALS[timeframe]
        rated = [_rated(candles, interval) for candles in histories.values()]
        rated = [(times, scores) for times, scores in rated if len(scores)]
        for far, near in MARGINS:
            for confirmation in _confirmations(interval):
                parts = [
                    judge(times, scores, interval, HeldLevel(confirmation, far, near))
                    for times, scores in rated
                ]
                if parts:
                    rule = [timeframe, f"{far} / {near}", f"{confirmation} min"]
                    lines.append([*rule, *_mean(parts)])
    heads = ["timeframe", "margins", "confirmed", "changes an hour", "still said at the close"]
    heads += ["rated so at the close", "within a level", "minutes away", "delay, median"]
    return table(heads, lines)


def _confirmations(interval_ms: int) -> list[int]:
    """In minutes, each once."""
    return sorted({max(1, round(interval_ms / MINUTE_MS * share)) for share in CONFIRMATIONS})


def judge(times: Floats, scores: Floats, interval_ms: int, rule: HeldLevel) -> Held:
    """Apply a rule to the scores at closed minutes, which open at `times`."""
    held = np.empty(len(scores), dtype=np.intp)
    for place, score in enumerate(scores.tolist()):
        rule.update(score)
        assert rule.level is not None
        held[place] = LADDER.index(rule.level)
    rated = np.array([LADDER.index(level_of(score)) for score in scores.tolist()])
    candle = (times // interval_ms).astype(np.int64)
    closes = np.searchsorted(candle, candle, side="right") - 1
    # The last candle may be cut off.
    whole = candle < candle[-1]
    off = np.abs(held - rated[closes])[whole]
    changes = np.flatnonzero(np.diff(held)) + 1
    since = np.concatenate(([0], changes[:-1]))
    delays = [
        change - begin - int(np.argmax(rated[begin : change + 1] == held[change]))
        for begin, change in zip(since.tolist(), changes.tolist(), strict=False)
    ]
    return Held(
        changes_an_hour=len(changes) / (len(scores) * MINUTE_MS / HOUR_MS),
        still_said=float((held == held[closes])[whole].mean()),
        rated_so=float((off == 0).mean()),
        within_one=float((off <= 1).mean()),
        away=float((held != rated).mean()),
        delay=float(np.median(delays)) if delays else 0.0,
        minutes=len(scores),
    )


def _rated(candles: CandleArray, interval_ms: int) -> tuple[Floats, Floats]:
    """When minutes open, and the scores at their closes, from the first that is rated."""
    parts = list(scores_each_minute(candles, roll_up(candles, interval_ms)))
    if not parts:
        return np.empty(0), np.empty(0)
    places, scores = (np.concatenate(each) for each in zip(*parts, strict=True))
    return candles[places, OPEN_TIME], scores


def _mean(parts: list[Held]) -> list[str]:
    weights = [part.minutes for part in parts]

    def mean(name: str) -> float:
        return float(np.average([getattr(part, name) for part in parts], weights=weights))

    shares = ("still_said", "rated_so", "within_one", "away")
    return [
        f"{mean('changes_an_hour'):.2f}",
        *(f"{mean(name):.0%}" for name in shares),
        f"{mean('delay'):.0f} min",
    ]
