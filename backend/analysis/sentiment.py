"""Fear and greed of the whole market, 0..100, from the candles of all symbols.

Like the published indices (CNN's and alternative.me's): each of five factors is scored by where it
stands among its own values of a week, and the index is their mean, over the last hour. What the
factors are is defined in `factors`. It describes the market as it is traded, not a forecast and not
advice.
"""

from collections.abc import Mapping

import numpy as np

from backend.analysis import topics
from backend.analysis.aligned import AlignedMinutes
from backend.analysis.factors import STEP_MINUTES, WEEK_STEPS, factors, percentiles
from backend.clock import MINUTE_MS
from backend.market.models import Candle, CandleArray, Sentiment

RANKED_MINUTES = WEEK_STEPS * STEP_MINUTES
# The oldest value that is ranked looks back over another day.
KEPT_MINUTES = RANKED_MINUTES + 24 * 60
# The index is the mean of this many steps, an hour: it does not cross a band at each turn.
SMOOTHED_STEPS = 12
# Half an hour of values, to a side of fewer of which nobody would call a rank.
MIN_RANKED = 6
MIN_MINUTES = (SMOOTHED_STEPS + 1) * STEP_MINUTES
COVERED_MINUTES = 60

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

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self._symbols = symbols
        # One minute more than is read, for a newest one that is not complete.
        self._minutes = AlignedMinutes(symbols, KEPT_MINUTES + 1)
        self._changed = False
        self._reading: Sentiment | None = None

    def rebuild(self, candles: Mapping[str, CandleArray]) -> None:
        """Start over from closed candles, each (n, 7), oldest first; unnamed symbols have none."""
        self._minutes = AlignedMinutes(self._symbols, KEPT_MINUTES + 1)
        self._changed = True
        for symbol, closed in candles.items():
            self.load(symbol, closed)

    def load(self, symbol: str, closed: CandleArray) -> None:
        """Replace all that is known of one symbol by closed candles (n, 7), oldest first."""
        self._minutes.load(symbol, closed)
        self._changed = True

    def update(self, symbol: str, candle: Candle) -> None:
        """Take in a closed candle, in any order; one from before the kept time is left out."""
        self._minutes.put(symbol, candle)
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

    def _compute(self, minutes_ago: int = 0) -> Sentiment | None:
        minutes = self._minutes
        end = minutes.complete_end() - minutes_ago
        # Steps end at the same minutes whenever they are looked at: else each minute would have
        # an hour of its own.
        last = end - end % STEP_MINUTES
        count = minutes.count_until(last, KEPT_MINUTES)
        if count < MIN_MINUTES:
            return None
        log_prices, volumes = minutes.steps(last, count, STEP_MINUTES)
        found = factors(log_prices, volumes)
        ranked = min(SMOOTHED_STEPS, log_prices.shape[1] - MIN_RANKED)
        components = {
            name: float(percentiles(series, ranked).mean()) for name, series in found.items()
        }
        index = sum(components.values()) / len(components)
        coverage = minutes.coverage(end, COVERED_MINUTES) * min(1.0, count / RANKED_MINUTES)
        heats = topics.heats(*minutes.minutes(end, min(count, topics.LOOKED_AT_MINUTES)))
        return Sentiment(
            overall=overall_of(index),
            index=index,
            mood=mood_of(index),
            confidence=confidence_of(components, coverage),
            trending_topics=topics.trending(self._symbols, heats),
            components=components,
            time_ms=end * MINUTE_MS,
        )
