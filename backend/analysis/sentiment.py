"""Fear and greed of the whole market, 0..100, from the candles of all symbols.

Like the published indices (CNN's and alternative.me's): each of five factors is scored by where it
stands among its own values of a week, and the index is their mean, over the last hour. What the
factors are is defined in `factors`. It describes the market as it is traded, not a forecast and not
advice.
"""

from collections.abc import Callable, Mapping

import numpy as np

from backend.analysis import topics
from backend.analysis.aligned import AlignedMinutes
from backend.analysis.factors import STEP_MINUTES, WEEK_STEPS, Sums, percentiles
from backend.clock import DAY_MINUTES, MINUTE_MS
from backend.market.models import Candle, CandleArray, Sentiment

RANKED_MINUTES = WEEK_STEPS * STEP_MINUTES
# The oldest value that is ranked looks back over another day.
KEPT_MINUTES = RANKED_MINUTES + DAY_MINUTES
# The index is the mean of this many steps, an hour: it does not cross a band at each turn.
SMOOTHED_STEPS = 12
# Half an hour of values, to a side of fewer of which nobody would call a rank.
MIN_RANKED = 6
MIN_MINUTES = (SMOOTHED_STEPS + 1) * STEP_MINUTES
COVERED_MINUTES = 60

# Symbols whose minutes are read together, in some 2 ms.
GROUP_SYMBOLS = 20

# CNN's bands: up to 24 extreme fear, 44 fear, 55 neutral, 75 greed, above it extreme greed.
EXTREME_FEAR, FEAR, GREED, EXTREME_GREED = 25, 45, 55, 75


def overall_of(index: float) -> str:
    """BEARISH in extreme fear, NEGATIVE in fear, NEUTRAL, POSITIVE in greed, BULLISH in extreme.

    The bands are those of the index as published, a whole number.
    """
    shown = round(index)
    if shown < EXTREME_FEAR:
        return "BEARISH"
    if shown < FEAR:
        return "NEGATIVE"
    if shown > EXTREME_GREED:
        return "BULLISH"
    return "POSITIVE" if shown > GREED else "NEUTRAL"


def mood_of(index: float) -> str:
    """BEARISH in fear, BULLISH in greed, NEUTRAL between."""
    shown = round(index)
    return "BEARISH" if shown < FEAR else "BULLISH" if shown > GREED else "NEUTRAL"


def confidence_of(components: Mapping[str, float], coverage: float) -> float:
    """Agreement of the components times coverage of the data, 0..1.

    Agreement is 1 less their mean distance from the index in units of the largest possible, 50.
    """
    scores = np.array(list(components.values()))
    agreement = 1 - float(np.abs(scores - scores.mean()).mean()) / 50
    return agreement * coverage


class SentimentEngine:
    """Reads the sentiment off eight days of aligned minutes of all symbols.

    What is read depends on the candles, not on the order in which they arrive. The newest minute is
    read once every symbol that had the minute before has it too, or a later one has begun; so a
    reading never mixes a finished minute with half of the next.
    """

    def __init__(
        self, symbols: tuple[str, ...], pause: Callable[[], object] = lambda: None
    ) -> None:
        """`pause` is called between groups of symbols while a reading is made: whoever runs then
        must not change anything here."""
        self._symbols = symbols
        self._pause = pause
        self._begin()
        self._changed = False
        self._reading: Sentiment | None = None

    def rebuild(self, candles: Mapping[str, CandleArray]) -> None:
        """Start over from closed candles, each (n, 7), oldest first; unnamed symbols have none."""
        self._begin()
        self._changed = True
        for symbol, closed in candles.items():
            self.load(symbol, closed)

    def load(self, symbol: str, closed: CandleArray) -> None:
        """Replace all that is known of one symbol by closed candles (n, 7), oldest first."""
        self._group_of[symbol].load(symbol, closed)
        self._changed = True

    def update(self, symbol: str, candle: Candle) -> None:
        """Take in a closed candle, in any order; one from before the kept time is left out."""
        self._group_of[symbol].put(symbol, candle)
        self._changed = True

    def read(self) -> Sentiment | None:
        """The sentiment at the newest complete minute; None before `MIN_MINUTES` of data."""
        if self._changed:
            self._reading = self._compute()
            self._changed = False
        return self._reading

    def past(self, minutes_ago: int) -> Sentiment | None:
        """What `read` would have said so many minutes before the newest complete one, from what is
        kept of the time before; None where that is too little. Takes as long as a new reading."""
        return self._compute(minutes_ago)

    def _begin(self) -> None:
        groups = range(0, len(self._symbols), GROUP_SYMBOLS)
        parts = [self._symbols[begin : begin + GROUP_SYMBOLS] for begin in groups]
        # One minute more than is read, for a newest one that is not complete.
        self._groups = [AlignedMinutes(part, KEPT_MINUTES + 1) for part in parts]
        self._group_of = {
            symbol: group
            for part, group in zip(parts, self._groups, strict=True)
            for symbol in part
        }

    def _complete_end(self) -> int:
        """The end of the newest complete minute, as a minute; 0 without any.

        A minute is complete once every symbol that had the one before has it too.
        """
        newest = max((group.newest or 0 for group in self._groups), default=0)
        if not newest:
            return 0
        for group in self._groups:
            group.reach(newest)
        return newest + 1 - any(group.misses_newest() for group in self._groups)

    def _compute(self, minutes_ago: int = 0) -> Sentiment | None:
        end = self._complete_end() - minutes_ago
        # Steps end at the same minutes whenever they are looked at: else each minute would have
        # an hour of its own.
        last = end - end % STEP_MINUTES
        count = max(group.count_until(last, KEPT_MINUTES) for group in self._groups)
        if count < MIN_MINUTES:
            return None
        sums, heats, covered = Sums(), [], 0.0
        for group in self._groups:
            sums.add(*group.steps(last, count, STEP_MINUTES))
            heats.append(topics.heats(*group.minutes(end, min(count, topics.LOOKED_AT_MINUTES))))
            covered += group.coverage(end, COVERED_MINUTES) * len(heats[-1])
            self._pause()
        found = sums.factors()
        ranked = min(SMOOTHED_STEPS, (count - 1) // STEP_MINUTES + 1 - MIN_RANKED)
        components = {
            name: float(percentiles(series, ranked).mean()) for name, series in found.items()
        }
        index = sum(components.values()) / len(components)
        coverage = covered / len(self._symbols) * min(1.0, count / RANKED_MINUTES)
        return Sentiment(
            overall=overall_of(index),
            index=index,
            mood=mood_of(index),
            confidence=confidence_of(components, coverage),
            trending_topics=topics.trending(self._symbols, np.concatenate(heats)),
            components=components,
            time_ms=end * MINUTE_MS,
        )
