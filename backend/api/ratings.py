"""A symbol's rating on every timeframe, as JSON, worked out when somebody asks: its votes from the
candles, its level as signals have it."""

from collections.abc import Callable, Mapping

from backend.analysis.timeframe_rating import Group, TimeframeRating, rated
from backend.clock import Clock, iso
from backend.history.reader import CandleReader
from backend.market.candles import INTERVALS
from backend.protocol import Payload

# Whoever asks again within a second gets the same: a page that many look at costs as much as one.
KEPT_SECONDS = 1.0
# What the average of 200 remembers to the sixth digit, and a market may have no more of.
CANDLES_READ = 1_500
# A price of any magnitude, and more than a vote is seen by.
VALUE_DIGITS = 8


class Ratings:
    """Ratings from the candles that are known of each timeframe, those in the database included."""

    def __init__(
        self, history: CandleReader, levels: Callable[[str], Mapping[str, str]], clock: Clock
    ) -> None:
        """`levels` knows those that are held, of a symbol by timeframe. Where there is none yet,
        the level is that of the score."""
        self._history = history
        self._levels = levels
        self._clock = clock
        # By symbol and timeframe, of which there are a fixed number.
        self._known: dict[tuple[str, str], tuple[float, Payload | None]] = {}

    def of(self, symbol: str, rest: Callable[[], None]) -> dict[str, Payload | None]:
        """The rating on each timeframe; None where there are too few candles. `rest` is called
        between timeframes, which take the hub up to 2 ms each.

        Raises as `CandleReader.candles` does.
        """
        found: dict[str, Payload | None] = {}
        held = self._levels(symbol)
        for timeframe in INTERVALS:
            kept = self._known.get((symbol, timeframe))
            if kept is None or self._clock.monotonic() - kept[0] >= KEPT_SECONDS:
                candles = self._history.candles(symbol, timeframe, CANDLES_READ)
                kept = self._clock.monotonic(), _payload(rated(timeframe, candles))
                self._known[symbol, timeframe] = kept
                rest()
            rating = kept[1]
            if rating is not None and timeframe in held:
                rating = {**rating, "signal": held[timeframe]}
            found[timeframe] = rating
        return found


def _payload(rating: TimeframeRating | None) -> Payload | None:
    if rating is None:
        return None
    groups = (rating.moving_averages, rating.oscillators)
    return {
        "score": round(rating.score, 4),
        "signal": rating.level.value,
        "moving_averages": _summary(rating.moving_averages),
        "oscillators": _summary(rating.oscillators),
        "votes": [
            {"name": one.name, "value": _rounded(one.value), "vote": one.vote}
            for group in groups
            for one in group.votes
        ],
        "candle_time": iso(rating.candle_ms),
    }


def _summary(group: Group) -> Payload:
    return {
        "score": None if group.score is None else round(group.score, 4),
        "buy": group.count(1),
        "hold": group.count(0),
        "sell": group.count(-1),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{VALUE_DIGITS}g}")
