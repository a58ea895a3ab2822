"""Why a signal is what it is: the published reason with the strongest evidence.

Each kind of evidence is a quantity without units, so that assets compare. It is mapped to 0..1 by
how rare it is, interpolated between rounded quantiles of four recordings of one-minute candles
(BTC-USDT for a week of February 2021, crash and recovery included; BTC, ETH and LTC for two days
of April 2018): 0.9 is more than in nine of ten minutes. So the reason that wins is the one that is
least usual now. Evidence against a signal's direction is no reason for it, and counts nothing.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

from backend.analysis.indicators import Readings
from backend.clock import DAY_MS
from backend.market.models import CLOSE, HIGH, LOW, OPEN_TIME, Candle, CandleArray, SignalReason

Knots = Sequence[tuple[float, float]]

# (quantity, evidence), rising in the quantity.
MOMENTUM_KNOTS: Knots = ((0, 0), (0.25, 0.5), (0.6, 0.9), (1, 0.99), (1.5, 1))
SURGE_KNOTS: Knots = ((0, 0), (0.65, 0.75), (2, 0.9), (8, 0.99), (15, 1))
BREAKOUT_KNOTS: Knots = ((0, 0), (0.6, 0.75), (1.2, 0.9), (4, 0.99), (6, 1))
DISTANCE_KNOTS: Knots = ((0, 1), (0.1, 0.99), (1, 0.9), (2.5, 0.75), (5, 0.5), (15, 0.1), (100, 0))


class Evidence(NamedTuple):
    """How much speaks for each reason, 0..1. The first of equals is the reason."""

    breakout: float
    volume: float
    momentum: float
    support: float
    resistance: float


REASONS = (
    SignalReason.BREAKOUT,
    SignalReason.VOLUME,
    SignalReason.MOMENTUM,
    SignalReason.SUPPORT,
    SignalReason.RESISTANCE,
)


class PivotLevels:
    """Support and resistance by floor-trader pivots of the last full UTC day with candles.

    P = (H + L + C) / 3, R1 = 2P - L, S1 = 2P - H, R2 = P + (H - L), S2 = P - (H - L),
    R3 = H + 2(P - L), S3 = L - 2(H - P); the day's pivots are what TradingView's "Pivot Points
    Standard" takes on charts of up to 15 minutes
    (https://www.tradingview.com/support/solutions/43000521824-pivot-points-standard/).
    There are none before a day is known from its first minute on.
    """

    def __init__(self) -> None:
        self.levels: tuple[float, ...] = ()
        self._known_from = math.inf
        self._day = 0
        self._high = self._low = self._close = 0.0

    def rebuild(self, closed: CandleArray) -> None:
        """Start over from closed candles, shape (n, 7), oldest first."""
        self.levels, self._known_from, self._day = (), math.inf, 0
        days = closed[:, OPEN_TIME] // DAY_MS
        if not len(days):
            return
        self._known_from = float(closed[0, OPEN_TIME])
        # Two days are all that counts: the current one and the last before it.
        for day in sorted(set(days.tolist()))[-2:]:
            of_day = closed[days == day]
            self._add(
                int(day),
                float(of_day[:, HIGH].max()),
                float(of_day[:, LOW].min()),
                float(of_day[-1, CLOSE]),
            )

    def update(self, candle: Candle) -> None:
        """Take in the next closed candle."""
        self._known_from = min(self._known_from, candle.open_time_ms)
        self._add(candle.open_time_ms // DAY_MS, candle.high, candle.low, candle.close)

    def _add(self, day: int, high: float, low: float, close: float) -> None:
        if day == self._day:
            self._high, self._low = max(self._high, high), min(self._low, low)
        else:
            if self._day and self._known_from <= self._day * DAY_MS:
                self.levels = _pivots(self._high, self._low, self._close)
            self._day, self._high, self._low = day, high, low
        self._close = close


def _pivots(high: float, low: float, close: float) -> tuple[float, ...]:
    pivot = (high + low + close) / 3
    return (
        low - 2 * (high - pivot),
        pivot - (high - low),
        2 * pivot - high,
        pivot,
        2 * pivot - low,
        pivot + (high - low),
        high + 2 * (pivot - low),
    )


def momentum(now: Readings, direction: int) -> float:
    """MACD histogram (12-26-9) over ATR 14, where its sign is the signal's."""
    if now.macd_histogram * direction < 0:
        return 0.0
    return _interpolate(_ratio(abs(now.macd_histogram), now.atr), MOMENTUM_KNOTS)


def surge(candle: Candle, usual: Readings, direction: int) -> float:
    """How many standard deviations the candle's volume lies above the mean of the 60 before it.

    `usual` are the readings of the candle before. A candle against the signal counts nothing.
    """
    if (candle.close - candle.open) * direction < 0:
        return 0.0
    excess = candle.volume - usual.volume_mean
    return _interpolate(_ratio(excess, usual.volume_deviation), SURGE_KNOTS)


def breakout(now: Readings, before: Readings, direction: int) -> float:
    """Where the price is to the Donchian channel of the 20 candles before it, in ATR 14.

    0 at one ATR inside an edge, 1 at the edge, above 1 beyond it: the upper edge for a buy, the
    lower for a sell, either for a hold.
    """
    above = _ratio(now.close - before.high_20, now.atr) if direction >= 0 else -1.0
    below = _ratio(before.low_20 - now.close, now.atr) if direction <= 0 else -1.0
    return _interpolate(1 + max(above, below), BREAKOUT_KNOTS)


def closeness(levels: Sequence[float], now: Readings, side: int, direction: int) -> float:
    """How near the next level is on one side (-1: support at or below, +1: resistance above).

    In units of ATR 14; `levels` in the scale of `now`. Support speaks for a buy or a hold,
    resistance for a sell or a hold.
    """
    distances = [(level - now.close) * side for level in levels]
    ahead = [distance for distance in distances if distance > 0 or (distance == 0 and side < 0)]
    if not ahead or side * direction > 0 or not now.atr > 0:
        return 0.0
    return _interpolate(min(ahead) / now.atr, DISTANCE_KNOTS)


def strongest(evidence: Evidence, direction: int) -> SignalReason:
    """The reason with the most evidence.

    Where there is none (a price that stands still, a slow drift before any pivots are known) the
    price is taken to rest on its low, or when selling to hang under its high.
    """
    best = max(evidence)
    if best > 0:
        return REASONS[evidence.index(best)]
    return SignalReason.RESISTANCE if direction < 0 else SignalReason.SUPPORT


def _ratio(quantity: float, unit: float) -> float:
    """`quantity / unit`, or minus infinity where there is no unit to measure in."""
    return quantity / unit if unit > 0 else -math.inf


def _interpolate(x: float, knots: Knots) -> float:
    """The straight line between the knots; the ends' values beyond them, 0 for NaN."""
    if not x > knots[0][0]:
        return knots[0][1] if x == x else 0.0
    for (x_0, y_0), (x_1, y_1) in zip(knots, knots[1:], strict=False):
        if x <= x_1:
            return y_0 + (y_1 - y_0) * (x - x_0) / (x_1 - x_0)
    return knots[-1][1]
