"""Trading signals: a five-level rating of one symbol's one-minute candles, its strength and reason.

A description of the recent past by published rules, not a forecast and not advice.
"""

from backend.analysis import rating, reasons
from backend.analysis.indicators import IndicatorSet, Readings
from backend.analysis.reasons import Evidence, PivotLevels
from backend.clock import MINUTE_MS
from backend.market.models import (
    Assessment,
    Candle,
    CandleArray,
    SignalLevel,
)

# With an hour of candles every item can vote except the averages of 100 and 200, which are left
# out, as in the original, until they can.
MIN_CANDLES = 60
# Hardly ever exceeded, since the oscillators seldom agree: 99.9 % of the minutes of the recordings
# named in `reasons` lie below it.
FULL_SCORE = 0.65

_DIRECTIONS = {
    SignalLevel.STRONG_BUY: 1,
    SignalLevel.BUY: 1,
    SignalLevel.HOLD: 0,
    SignalLevel.SELL: -1,
    SignalLevel.STRONG_SELL: -1,
}


def level_of(score: float) -> SignalLevel:
    """The rating's level: over 0.5 strong buy, over 0.1 buy, likewise below, else hold."""
    if score > rating.STRONG:
        return SignalLevel.STRONG_BUY
    if score > rating.WEAK:
        return SignalLevel.BUY
    if score < -rating.STRONG:
        return SignalLevel.STRONG_SELL
    if score < -rating.WEAK:
        return SignalLevel.SELL
    return SignalLevel.HOLD


def strength_of(score: float) -> float:
    """How far the score is into its level, 0.5..1.0: 0.5 where buy or sell meets hold.

    From there it grows with |score| to 1.0 at `FULL_SCORE` (0.86 at a strong signal's edge), and
    within hold to 1.0 at a score of 0.
    """
    size = abs(score)
    if size <= rating.WEAK:
        return 1 - 0.5 * size / rating.WEAK
    return 0.5 + 0.5 * min(1.0, (size - rating.WEAK) / (FULL_SCORE - rating.WEAK))


class SignalEngine:
    """Rates one symbol. The same candles give the same assessment, however they were handed over.

    Nothing later than the candle in hand is known, so nothing later can change what was said.
    """

    def __init__(self, symbol: str) -> None:
        self._symbol = symbol
        self._indicators = IndicatorSet()
        self._pivots = PivotLevels()
        self._count = 0
        self._last: Candle | None = None

    def rebuild(self, closed: CandleArray) -> None:
        """Start over from closed candles, shape (n, 7), oldest first. 48 h take about 1 ms."""
        self._indicators.rebuild(closed)
        self._pivots.rebuild(closed)
        self._count = len(closed)
        self._last = None
        if len(closed):
            open_time, *prices = closed[-1].tolist()
            self._last = Candle(int(open_time), *prices)

    def update(self, candle: Candle) -> None:
        """Take in the next closed candle. One that is not newer than the last is known already."""
        if self._last and candle.open_time_ms <= self._last.open_time_ms:
            return
        self._indicators.update(candle)
        self._pivots.update(candle)
        self._count += 1
        self._last = candle

    def assess(self, forming: Candle | None, time_ms: int | None = None) -> Assessment | None:
        """The rating as if `forming` closed as it stands, or of the last closed candle without it.

        `time_ms` is the instant of the price, by default the end of that last closed candle, or
        the beginning of the forming one. None before `MIN_CANDLES` closed candles.
        """
        last = self._last
        if last is None or self._count < MIN_CANDLES:
            return None
        history = self._indicators.history
        if forming is None or forming.open_time_ms <= last.open_time_ms:
            earlier, before, now = history
            candle, default_time = last, last.open_time_ms + MINUTE_MS
            surge_of = [(last, before)]
        else:
            (earlier, before), now = history[-2:], self._indicators.peek(forming)
            candle, default_time = forming, forming.open_time_ms
            # A minute that has just begun has little volume; the surge of the one before it is
            # still news.
            surge_of = [(forming, before), (last, earlier)]
        score = rating.score(now, before, earlier)
        level = level_of(score)
        direction = _DIRECTIONS[level]
        evidence = self._evidence(now, before, surge_of, direction)
        return Assessment(
            symbol=self._symbol,
            level=level,
            score=score,
            strength=strength_of(score),
            reason=reasons.strongest(evidence, direction),
            price=candle.close,
            time_ms=default_time if time_ms is None else time_ms,
        )

    def _evidence(
        self,
        now: Readings,
        before: Readings,
        surge_of: list[tuple[Candle, Readings]],
        direction: int,
    ) -> Evidence:
        levels = [level * self._indicators.scale for level in self._pivots.levels]
        return Evidence(
            breakout=reasons.breakout(now, before, direction),
            volume=max(reasons.surge(candle, usual, direction) for candle, usual in surge_of),
            momentum=reasons.momentum(now, direction),
            support=reasons.closeness(levels, now, -1, direction),
            resistance=reasons.closeness(levels, now, 1, direction),
        )
