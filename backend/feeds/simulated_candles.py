"""Candles of the simulated market: of steps of its model, and of the years before it began."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from backend.clock import DAY_MS, HOUR_MS
from backend.feeds.profiles import Profile
from backend.feeds.simulation import CYCLE_PEAK_MS, Array, MarketModel, Path
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

# Trades a second of one symbol: of four steps a second about every other one trades, so that two
# seconds without a trade are a matter of one in 200.
TRADES_PER_S = 2.8
# The extremes of a path seen only at its trades fall short of the true ones by this, in units of
# the volatility between two of them (Broadie, Glasserman and Kou 1997).
EXTREME_SHORTFALL = 0.5826
QUANTITY_DECIMALS = 8
# How far back the past goes.
PAST_DAYS = 730
# Simulated at once: half a millisecond's worth, of 17,500.
HOURS_AT_ONCE = 48


def candles_of(
    opens: Array,
    closes: Array,
    path: Path,
    times: Array,
    step_s: float,
    decimals: Sequence[int],
    random: np.random.Generator,
) -> Array:
    """Candles (steps, symbols, 7) of a path whose steps go from log price to log price."""
    highs, lows = _extremes(opens, closes, path.volatility, step_s, random)
    candles = np.empty((*opens.shape, CANDLE_COLUMNS))
    candles[:, :, OPEN_TIME] = times[:, np.newaxis]
    scale = 10.0 ** np.array(decimals)
    for column, log_price in zip(
        (OPEN, HIGH, LOW, CLOSE), (opens, highs, lows, closes), strict=True
    ):
        # Rounding keeps the order, so the candle stays consistent.
        candles[:, :, column] = np.rint(np.exp(log_price) * scale) / scale
    candles[:, :, QUOTE_VOLUME] = path.quote_volume.round(2)
    mean_price = candles[:, :, OPEN : CLOSE + 1].mean(axis=2)
    candles[:, :, VOLUME] = (candles[:, :, QUOTE_VOLUME] / mean_price).round(QUANTITY_DECIMALS)
    return candles


def _extremes(
    opens: Array, closes: Array, volatility: Array, step_s: float, random: np.random.Generator
) -> tuple[Array, Array]:
    """High and low of each step: those of a Brownian bridge from open to close."""
    move = closes - opens
    log_uniform = np.log(1 - random.random((2, *move.shape)))
    reach = np.sqrt(move**2 - 2 * volatility**2 * log_uniform)
    shortfall = EXTREME_SHORTFALL / (step_s * TRADES_PER_S) ** 0.5 * volatility
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
        decimals: Sequence[int],
        random: np.random.Generator,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._symbols = symbols
        self._profiles = profiles
        self._decimals = decimals
        self._random = random
        self._sleep = sleep
        # What was made with another symbol's, so that they move together: until it is asked for.
        self._made: dict[str, tuple[int, CandleArray]] = {}

    def hours(
        self, symbol: str, before_ms: int, now_ms: int, price_then: Callable[[str], float | None]
    ) -> CandleArray:
        """Two years of hours up to now that open before `before_ms`, a whole hour, where
        `price_then` is the price of each symbol then. None where that isn't known."""
        made = self._made.pop(symbol, None)
        if made is None or made[0] != before_ms:
            self._make(before_ms, now_ms, price_then)
            made = self._made.pop(symbol, None)
        return np.empty((0, CANDLE_COLUMNS)) if made is None else made[1]

    def _make(self, before_ms: int, now_ms: int, price_then: Callable[[str], float | None]) -> None:
        begin_ms = now_ms - now_ms % DAY_MS - PAST_DAYS * DAY_MS
        count = (before_ms - begin_ms) // HOUR_MS
        prices = [price_then(symbol) for symbol in self._symbols]
        if count <= 0 or all(price is None for price in prices):
            return
        model = MarketModel(self._profiles, self._random)
        known = np.array([price is not None for price in prices])
        model.log_price[known] = np.log([price for price in prices if price is not None])
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
            path.log_price, closes, path, times, HOUR_MS / 1000, self._decimals, self._random
        )[::-1]
