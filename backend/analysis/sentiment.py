"""Fear and greed of the whole market, 0..100, from the candles of all symbols.

Like the published indices (CNN's and alternative.me's): each of six factors is scored by where it
stands among its own values of the last 24 h, and the index is their mean. What the factors are is
defined in `factors`. It describes the market as it is traded, not a forecast and not advice.
"""

import math
from collections.abc import Mapping

import numpy as np

from backend.analysis import topics
from backend.analysis.factors import (
    LEAD_MINUTES,
    RANKED_MINUTES,
    Factor,
    factors,
    forward_filled,
    percentile,
)
from backend.clock import MINUTE_MS
from backend.market.models import (
    CLOSE,
    OPEN_TIME,
    QUOTE_VOLUME,
    Candle,
    CandleArray,
    Sentiment,
)

# The oldest ranked value of the drawdown looks back over another day.
KEPT_MINUTES = 2 * RANKED_MINUTES
# Two values to a side of which nobody would call a rank.
MIN_RANKED = 30
MIN_MINUTES = LEAD_MINUTES + MIN_RANKED
COVERED_MINUTES = 60

DOMINANCE_SYMBOL = "BTC"

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


def score_of(factor: Factor) -> float | None:
    """0 (fear) to 100 (greed): the rank of the newest value, turned where more means fear.

    None with under `MIN_RANKED` values.
    """
    if len(factor.series) < MIN_RANKED:
        return None
    rank = percentile(factor.series[-RANKED_MINUTES:])
    return rank if factor.greed > 0 else 100 - rank


def confidence_of(components: Mapping[str, float], coverage: float) -> float:
    """Agreement of the components times coverage of the data, 0..1.

    Agreement is 1 less their mean distance from the index in units of the largest possible, 50.
    """
    scores = np.array(list(components.values()))
    agreement = 1 - float(np.abs(scores - scores.mean()).mean()) / 50
    return agreement * coverage


class SentimentEngine:
    """Keeps 48 h of aligned minutes of all symbols, and reads the sentiment off them.

    A candle belongs to the minute it opened in, whenever it arrives: what is read depends on the
    candles, not on their order. A minute without a candle carries the last price and no volume.
    The newest minute is read once every symbol that had the minute before has it too, or a later
    one has begun; so a reading never mixes a finished minute with half of the next.
    """

    def __init__(self, symbols: tuple[str, ...]) -> None:
        self._symbols = symbols
        self._rows = {symbol: row for row, symbol in enumerate(symbols)}
        # One column more than is read, for a newest minute that is not complete.
        shape = (len(symbols), KEPT_MINUTES + 1)
        self._log_prices = np.full(shape, np.nan)
        self._volumes = np.zeros(shape)
        self._newest: int | None = None  # minutes since the epoch of the last column
        self._changed = False
        self._reading: Sentiment | None = None

    def rebuild(self, candles: Mapping[str, CandleArray]) -> None:
        """Start over from closed candles, each (n, 7), oldest first; unnamed symbols have none."""
        self._log_prices.fill(np.nan)
        self._volumes.fill(0)
        self._newest, self._changed = None, True
        for symbol, closed in candles.items():
            self.load(symbol, closed)

    def load(self, symbol: str, closed: CandleArray) -> None:
        """Replace all that is known of one symbol by closed candles (n, 7), oldest first."""
        row = self._rows[symbol]
        self._log_prices[row] = np.nan
        self._volumes[row] = 0
        self._changed = True
        if not len(closed):
            return
        recent = closed[-self._volumes.shape[1] :]
        minutes = recent[:, OPEN_TIME].astype(np.int64) // MINUTE_MS
        columns = minutes - self._make_room(int(minutes[-1]))
        kept = columns >= 0
        self._log_prices[row, columns[kept]] = np.log(recent[kept, CLOSE])
        self._volumes[row, columns[kept]] = recent[kept, QUOTE_VOLUME]

    def update(self, symbol: str, candle: Candle) -> None:
        """Take in a closed candle, in any order; one from before the 48 h is left out."""
        minute = candle.open_time_ms // MINUTE_MS
        row, column = self._rows[symbol], minute - self._make_room(minute)
        if column >= 0:
            self._log_prices[row, column] = math.log(candle.close)
            self._volumes[row, column] = candle.quote_volume
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

    def _make_room(self, minute: int) -> int:
        """Move the columns up until `minute` has one; returns the minute of the first column."""
        size = self._volumes.shape[1]
        if self._newest is None:
            self._newest = minute
        passed = min(max(minute - self._newest, 0), size)
        if passed:
            for matrix, empty in ((self._log_prices, np.nan), (self._volumes, 0)):
                matrix[:, : size - passed] = matrix[:, passed:]
                matrix[:, size - passed :] = empty
            self._newest = minute
        return self._newest - size + 1

    def _compute(self, minutes_ago: int = 0) -> Sentiment | None:
        if self._newest is None:
            return None
        known = ~np.isnan(self._log_prices)
        complete = not (known[:, -2] & ~known[:, -1]).any()
        end = known.shape[1] - (not complete) - minutes_ago
        start = max(end - KEPT_MINUTES, int(known.any(axis=0).argmax()))
        if end - start < MIN_MINUTES:
            return None
        log_prices = forward_filled(self._log_prices[:, start:end])
        volumes = self._volumes[:, start:end]
        reference = self._rows.get(DOMINANCE_SYMBOL)
        components = _components(factors(log_prices, volumes, reference))
        index = sum(components.values()) / len(components)
        covered = known[:, end - COVERED_MINUTES : end].mean()
        coverage = float(covered) * min(1.0, (end - start) / RANKED_MINUTES)
        return Sentiment(
            overall=overall_of(index),
            index=index,
            mood=mood_of(index),
            confidence=confidence_of(components, coverage),
            trending_topics=topics.trending(self._symbols, topics.heats(log_prices, volumes)),
            components=components,
            time_ms=(self._newest + 1 - (not complete) - minutes_ago) * MINUTE_MS,
        )


def _components(found: Mapping[str, Factor]) -> dict[str, float]:
    scores = {name: score_of(factor) for name, factor in found.items()}
    return {name: score for name, score in scores.items() if score is not None}
