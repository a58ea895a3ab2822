"""Why a signal is what it is: the published reason with the strongest evidence.

Each kind of evidence is a quantity without units, so that assets and timeframes compare. It is
mapped to 0..1 by how rare it is, interpolated between rounded quantiles of four recordings of
one-minute candles (BTC-USDT for a week of February 2021, crash and recovery included; BTC, ETH and
LTC for two days of April 2018): 0.9 is more than in nine of ten minutes. So the reason that wins is
the one that is least usual now. Evidence against a signal's direction is no reason for it, and
counts nothing.

Everything is computed for many rows at once; `direction` is 1, 0 or -1 for each: buy, hold, sell.
"""

import math
from collections.abc import Sequence

import numpy as np

from backend.analysis.averages import Floats
from backend.analysis.indicators import Readings
from backend.clock import DAY_MS
from backend.market.models import CLOSE, HIGH, LOW, OPEN_TIME, Candle, CandleArray, SignalReason

Knots = Sequence[tuple[float, float]]

# (quantity, evidence), rising in the quantity.
MOMENTUM_KNOTS: Knots = ((0, 0), (0.25, 0.5), (0.6, 0.9), (1, 0.99), (1.5, 1))
SURGE_KNOTS: Knots = ((0, 0), (0.65, 0.75), (2, 0.9), (8, 0.99), (15, 1))
BREAKOUT_KNOTS: Knots = ((0, 0), (0.6, 0.75), (1.2, 0.9), (4, 0.99), (6, 1))
DISTANCE_KNOTS: Knots = ((0, 1), (0.1, 0.99), (1, 0.9), (2.5, 0.75), (5, 0.5), (15, 0.1), (100, 0))

# The first of equals is the reason.
REASONS = (
    SignalReason.BREAKOUT,
    SignalReason.VOLUME,
    SignalReason.MOMENTUM,
    SignalReason.SUPPORT,
    SignalReason.RESISTANCE,
)
_NO_PIVOTS = (math.nan,) * 7


class PivotLevels:
    """Support and resistance by floor-trader pivots of the last full UTC day with candles.

    P = (H + L + C) / 3, R1 = 2P - L, S1 = 2P - H, R2 = P + (H - L), S2 = P - (H - L),
    R3 = H + 2(P - L), S3 = L - 2(H - P); the day's pivots are what TradingView's "Pivot Points
    Standard" takes on charts of up to 15 minutes
    (https://www.tradingview.com/support/solutions/43000521824-pivot-points-standard/).
    They are NaN before a day is known from its first minute on.
    """

    def __init__(self) -> None:
        self.levels: tuple[float, ...] = _NO_PIVOTS
        self._known_from = math.inf
        self._day = 0
        self._high = self._low = self._close = 0.0

    def rebuild(self, closed: CandleArray) -> None:
        """Start over from closed candles, shape (n, 7), oldest first."""
        self.levels, self._known_from, self._day = _NO_PIVOTS, math.inf, 0
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


def momentum(now: Readings, direction: Floats) -> Floats:
    """MACD histogram (12-26-9) over ATR 14, where its sign is the signal's."""
    histogram = now.macd - now.macd_signal
    size = _interpolate(_in_ranges(np.abs(histogram), now), MOMENTUM_KNOTS)
    return np.where(histogram * direction < 0, 0, size)


def surge(deviations: Floats, change: Floats, direction: Floats) -> Floats:
    """How many standard deviations a candle's volume lies above the mean of the 60 before it. A
    candle whose price went against the signal counts nothing."""
    return np.where(change * direction < 0, 0, _interpolate(deviations, SURGE_KNOTS))


def breakout(now: Readings, direction: Floats) -> Floats:
    """Where the price is to the Donchian channel of the 20 candles before it, in ATR 14.

    0 at one ATR inside an edge, 1 at the edge, above 1 beyond it: the upper edge for a buy, the
    lower for a sell, either for a hold.
    """
    above = np.where(direction >= 0, _in_ranges(now.close - now.channel_high, now), -1)
    below = np.where(direction <= 0, _in_ranges(now.channel_low - now.close, now), -1)
    return _interpolate(1 + np.maximum(above, below), BREAKOUT_KNOTS)


def closeness(levels: Floats, now: Readings, side: int, direction: Floats) -> Floats:
    """How near the next of the levels (rows, n) is on one side, in units of ATR 14: support at or
    below the price (-1), resistance above it (1).

    Support speaks for a buy or a hold, resistance for a sell or a hold.
    """
    distances = (levels - now.close[:, np.newaxis]) * side
    ahead = (distances > 0) | ((distances == 0) & (side < 0))
    nearest = np.where(ahead, distances, np.inf).min(axis=1)
    return np.where(side * direction > 0, 0, _interpolate(_in_ranges(nearest, now), DISTANCE_KNOTS))


def strongest(now: Readings, levels: Floats, direction: Floats) -> list[SignalReason]:
    """The reason with the most evidence, for each row; `levels` (rows, 7) are its pivots, NaN
    where there are none.

    Where there is no evidence (a price that stands still, a slow drift before any pivots are known)
    the price is taken to rest on its low, or when selling to hang under its high.
    """
    evidence = np.array(
        [
            breakout(now, direction),
            # A candle that has just begun has little volume; the surge of the one before it is
            # still news.
            np.maximum(
                surge(now.surge, now.change, direction),
                surge(now.surge_before, now.change_before, direction),
            ),
            momentum(now, direction),
            closeness(levels, now, -1, direction),
            closeness(levels, now, 1, direction),
        ]
    )
    without = np.where(
        direction < 0, REASONS.index(SignalReason.RESISTANCE), REASONS.index(SignalReason.SUPPORT)
    )
    best = np.where(evidence.max(axis=0) > 0, evidence.argmax(axis=0), without)
    return [REASONS[number] for number in best.tolist()]


def _in_ranges(distance: Floats, now: Readings) -> Floats:
    """In units of ATR 14, NaN where nothing ranges."""
    found = np.full(distance.shape, np.nan)
    np.divide(distance, now.atr, out=found, where=now.atr > 0)
    return found


def _interpolate(quantity: Floats, knots: Knots) -> Floats:
    """The straight line between the knots; the ends' values beyond them, 0 for NaN."""
    unknown = np.isnan(quantity)
    return np.where(unknown, 0, np.interp(quantity, *np.array(knots, dtype=float).T))
