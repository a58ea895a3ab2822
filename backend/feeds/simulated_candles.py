"""Candles of the simulated market: of steps of its model, and of the years before it began."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from backend.clock import DAY_MS, HOUR_MS, MINUTE_MS
from backend.feeds.profiles import Profile
from backend.feeds.simulation import (
    CYCLE_PEAK_MS,
    DAY_S,
    MINUTE_S,
    Array,
    MarketModel,
    Path,
)
from backend.market.models import (
    CANDLE_COLUMNS,
    CLOSE,
    HIGH,
    LOW,
    OPEN,
    OPEN_TIME,
    QUOTE_VOLUME,
    VOLUME,
    CandleArray,
)
from backend.market.precision import price_decimals

# Trades a second of the largest asset, of this volume a day; the number goes with the root of the
# volume, and with how much is traded just then. Small symbols have minutes without any.
TRADES_PER_S, LARGEST_DAY_VOLUME = 2.8, 24e9
ACTIVITY_MIN, ACTIVITY_MAX = 0.2, 4.0
# What share of trades finds a new price; the others are at the last one, or a tick beside it.
MOVING_SHARE = 0.3
# The extremes of a path seen only at its moves fall short of the true ones by this, in units of the
# step's volatility over the root of their number (Broadie, Glasserman and Kou 1997), which holds
# for many; few see about this much less.
EXTREME_SHORTFALL, EXTREME_SHORTFALL_MAX = 0.5826, 0.3
QUANTITY_DECIMALS = 8
# Simulated at once: half a millisecond's worth, of 17,500.
HOURS_AT_ONCE = 48


class Trading:
    """How each symbol is traded: how often, and at prices of how many `decimals`."""

    def __init__(self, profiles: Sequence[Profile]) -> None:
        day_volumes = np.array([profile.day_volume for profile in profiles])
        self.decimals = [price_decimals(profile.price) for profile in profiles]
        self._volume_per_s = day_volumes / DAY_S
        self._per_s = TRADES_PER_S * np.sqrt(day_volumes / LARGEST_DAY_VOLUME).clip(max=1)

    def expected(self, quote_volume: Array, step_s: float) -> Array:
        """How many trades are to be expected in steps with so much volume."""
        activity = quote_volume / (self._volume_per_s * step_s)
        expected: Array = self._per_s * step_s * activity.clip(ACTIVITY_MIN, ACTIVITY_MAX)
        return expected

    def extreme_shortfall(self, step_s: float) -> Array:
        """By how much trades miss the extremes of a step, in units of its volatility."""
        moves = step_s * self._per_s * MOVING_SHARE
        shortfall: Array = np.minimum(EXTREME_SHORTFALL / np.sqrt(moves), EXTREME_SHORTFALL_MAX)
        return shortfall


def candles_of(
    opens: Array,
    closes: Array,
    path: Path,
    times: Array,
    step_s: float,
    trading: Trading,
    random: np.random.Generator,
) -> Array:
    """Candles (steps, symbols, 7) of a path whose steps go from log price to log price."""
    shortfall = trading.extreme_shortfall(step_s) * path.volatility
    highs, lows = _extremes(opens, closes, path.volatility, shortfall, random)
    candles = np.empty((*opens.shape, CANDLE_COLUMNS))
    candles[:, :, OPEN_TIME] = times[:, np.newaxis]
    scale = 10.0 ** np.array(trading.decimals)
    for column, log_price in zip(
        (OPEN, HIGH, LOW, CLOSE), (opens, highs, lows, closes), strict=True
    ):
        # Rounding keeps the order, so the candle stays consistent.
        candles[:, :, column] = np.rint(np.exp(log_price) * scale) / scale
    candles[:, :, QUOTE_VOLUME] = path.quote_volume.round(2)
    mean_price = candles[:, :, OPEN : CLOSE + 1].mean(axis=2)
    candles[:, :, VOLUME] = (candles[:, :, QUOTE_VOLUME] / mean_price).round(QUANTITY_DECIMALS)
    return candles


def minutes_of(
    model: MarketModel, time_ms: int, minutes: int, trading: Trading, random: np.random.Generator
) -> tuple[Array, NDArray[np.bool_]]:
    """Move the model through whole minutes from `time_ms` on: their candles (minutes, symbols, 7),
    and in which of them there was a trade, (minutes, symbols)."""
    opening = model.log_price
    path = model.advance(time_ms, MINUTE_S, minutes)
    opens = np.vstack((opening, path.log_price[:-1]))
    times = time_ms + MINUTE_MS * np.arange(minutes, dtype=float)
    candles = candles_of(opens, path.log_price, path, times, MINUTE_S, trading, random)
    expected = trading.expected(path.quote_volume, MINUTE_S)
    return candles, random.random(expected.shape) < 1 - np.exp(-expected)


def _extremes(
    opens: Array, closes: Array, volatility: Array, shortfall: Array, random: np.random.Generator
) -> tuple[Array, Array]:
    """High and low of each step: those of a Brownian bridge from open to close."""
    move = closes - opens
    log_uniform = np.log(1 - random.random((2, *move.shape)))
    reach = np.sqrt(move**2 - 2 * volatility**2 * log_uniform)
    highs = np.maximum((move + reach[0]) / 2 - shortfall, np.maximum(move, 0))
    lows = np.minimum((move - reach[1]) / 2 + shortfall, np.minimum(move, 0))
    return opens + highs, opens + lows


class SimulatedPast:
    """Hours before those that are known, on one path with them.

    The model is stationary, and looks the same whichever way time runs: so the past is simulated
    from its end backwards, and ends at the price at which what is known begins.
    """

    def __init__(
        self,
        symbols: Sequence[str],
        profiles: list[Profile],
        trading: Trading,
        random: np.random.Generator,
        sleep: Callable[[float], None],
        days: int,
    ) -> None:
        """`days` is how far back it goes from now."""
        self._symbols = symbols
        self._profiles = profiles
        self._trading = trading
        self._random = random
        self._sleep = sleep
        self._days = days
        # What was made with another symbol's, so that they move together: until it is asked for.
        self._made: dict[str, tuple[int, CandleArray]] = {}

    def hours(
        self, symbol: str, before_ms: int, now_ms: int, price_then: Callable[[str], float | None]
    ) -> CandleArray:
        """The hours that open before `before_ms`, a whole hour, where `price_then` is the price of
        each symbol then. None where that isn't known."""
        made = self._made.pop(symbol, None)
        if made is None or made[0] != before_ms:
            self._make(before_ms, now_ms, price_then)
            made = self._made.pop(symbol, None)
        return np.empty((0, CANDLE_COLUMNS)) if made is None else made[1]

    def _make(self, before_ms: int, now_ms: int, price_then: Callable[[str], float | None]) -> None:
        begin_ms = now_ms - now_ms % DAY_MS - self._days * DAY_MS
        count = (before_ms - begin_ms) // HOUR_MS
        prices = [price_then(symbol) for symbol in self._symbols]
        if count <= 0 or all(price is None for price in prices):
            return
        model = MarketModel(self._profiles, self._random)
        known = np.array([price is not None for price in prices])
        model.move_to(known, np.log([price for price in prices if price is not None]))
        candles = np.empty((count, len(self._symbols), CANDLE_COLUMNS))
        for end in range(count, 0, -HOURS_AT_ONCE):
            begin = max(0, end - HOURS_AT_ONCE)
            candles[begin:end] = self._backwards(model, begin_ms + end * HOUR_MS, end - begin)
            self._sleep(0)
        for index, symbol in enumerate(self._symbols):
            if known[index]:
                self._made[symbol] = (before_ms, candles[:, index].copy())

    def _backwards(self, model: MarketModel, end_ms: int, count: int) -> Array:
        """The hours up to `end_ms`, oldest first."""
        later = model.log_price
        # The day's cycle is the same on either side of its peak.
        path = model.advance(2 * CYCLE_PEAK_MS - end_ms, HOUR_MS / 1000, count)
        closes = np.vstack((later, path.log_price[:-1]))
        times = end_ms - HOUR_MS * np.arange(1, count + 1, dtype=float)
        return candles_of(
            path.log_price, closes, path, times, HOUR_MS / 1000, self._trading, self._random
        )[::-1]
