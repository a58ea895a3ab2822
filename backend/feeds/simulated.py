"""The default feed: a believable market without a network. It says that it is simulated."""

import time
from collections.abc import Callable, Sequence
from itertools import count

import numpy as np

from backend.clock import MINUTE_MS, Clock
from backend.config_values import SIMULATED_FEED
from backend.feeds.base import Feed, MarketSink
from backend.feeds.profiles import profile_of
from backend.feeds.simulation import DAY_S, MINUTE_S, Array, MarketModel
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
    FeedState,
    Trade,
)
from backend.market.precision import price_decimals

# What a market keeps, and what ratings of hours and a sentiment that looks back on a week need.
HISTORY_MINUTES = 7 * 24 * 60
STEP_S = 0.25
# Steps drawn at once: numpy's cost is by the call, and at one step a call it was most of what an
# idle server did.
STEPS_AHEAD = 20
# Behind by more than this (the machine slept), the time missed becomes history, not trades.
GAP_S = 90.0
# Trades a second of the largest asset, of this volume a day; the number goes with the root of the
# volume, and with how much is traded just then. Small symbols have minutes without any.
TRADES_PER_S, LARGEST_DAY_VOLUME = 2.8, 24e9
ACTIVITY_MIN, ACTIVITY_MAX = 0.2, 4.0
# What share of trades finds a new price; the others are at the last one, or a tick beside it.
MOVING_SHARE, TICK_SHARE = 0.3, 0.3
# A trade takes this power of a uniform share of the money that waits: most are small, some large.
SIZE_POWER = 6
MIN_TRADE_USD = 5.0
# The extremes of a path seen only at its moves fall short of the true ones by this, in units of the
# minute's volatility over the root of their number (Broadie, Glasserman and Kou 1997), which holds
# for many; few see about this much less.
EXTREME_SHORTFALL, EXTREME_SHORTFALL_MAX = 0.5826, 0.3
QUANTITY_DECIMALS = 8

# A trade to come: its symbol's index, the price, and the USD that it is worth.
Draft = tuple[int, float, float]


class SimulatedFeed(Feed):
    """Loads a week of history that ends now, then trades on from it in the machine's time."""

    name = SIMULATED_FEED

    def __init__(
        self,
        symbols: Sequence[str],
        sink: MarketSink,
        clock: Clock,
        random: np.random.Generator,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        profiles = [profile_of(symbol) for symbol in symbols]
        self._symbols = symbols
        self._sink = sink
        self._clock = clock
        self._random = random
        self._sleep = sleep
        self._model = MarketModel(profiles, random)
        self._decimals = [price_decimals(profile.price) for profile in profiles]
        day_volumes = np.array([profile.day_volume for profile in profiles])
        self._volume_per_s = day_volumes / DAY_S
        self._trades_per_s = TRADES_PER_S * np.sqrt(day_volumes / LARGEST_DAY_VOLUME).clip(max=1)
        self._last = np.exp(self._model.log_price)  # what each symbol last traded at
        self._trade_ids = [count(1) for _ in symbols]
        self._pending = np.zeros(len(symbols))  # USD that wait for their symbol's next trade
        # The trades of the steps to come; the last are the next ones.
        self._ahead: list[list[Draft]] = []
        self._time_ms = 0
        self._stopped = False

    def run(self) -> None:
        self._start()
        self._sink.set_feed_state(FeedState.LIVE, "simulated market, not real prices")
        due = self._clock.monotonic()
        while not self._stopped:
            self._step()
            # From due time to due time, so that the work and late wake-ups don't add up.
            due = max(due + STEP_S, self._clock.monotonic() - STEP_S)
            self._sleep(max(0.0, due - self._clock.monotonic()))
        self._sink.set_feed_state(FeedState.STOPPED)

    def stop(self) -> None:
        self._stopped = True

    def _start(self) -> None:
        now_ms = self._clock.now_ms()
        self._time_ms = now_ms - now_ms % MINUTE_MS - HISTORY_MINUTES * MINUTE_MS
        self._load_history(HISTORY_MINUTES)

    def _step(self) -> None:
        """Move the market from its time to the clock's."""
        elapsed_ms = self._clock.now_ms() - self._time_ms
        if elapsed_ms > 1000 * GAP_S:
            elapsed_ms = self._bridge(elapsed_ms)
        elif elapsed_ms <= 0:
            # The clock was set back. Time never runs backwards: at half speed it is caught up.
            elapsed_ms = round(500 * STEP_S)
        self._trade(elapsed_ms)

    def _bridge(self, elapsed_ms: int) -> int:
        """Fill the whole minutes of a gap with history; the milliseconds that are left of it."""
        self._ahead.clear()
        now_ms = self._time_ms + elapsed_ms
        rest_of_minute_ms = -self._time_ms % MINUTE_MS
        self._model.advance(self._time_ms, rest_of_minute_ms / 1000)
        minutes = (elapsed_ms - rest_of_minute_ms) // MINUTE_MS
        kept = min(minutes, HISTORY_MINUTES)
        self._time_ms += rest_of_minute_ms + (minutes - kept) * MINUTE_MS
        if kept:
            self._load_history(kept)
        return now_ms - self._time_ms

    def _trade(self, elapsed_ms: int) -> None:
        self._time_ms += elapsed_ms
        # Not all symbols trade, but all are there.
        self._sink.touch()
        for _ in range(max(1, round(elapsed_ms / 1000 / STEP_S))):
            if not self._ahead:
                self._ahead = self._draw()[::-1]
            for index, price, amount in self._ahead.pop():
                price = round(price, self._decimals[index])
                quantity = max(round(amount / price, QUANTITY_DECIMALS), 10**-QUANTITY_DECIMALS)
                trade_id = next(self._trade_ids[index])
                self._sink.apply_trade(
                    Trade(self._symbols[index], self._time_ms, price, quantity, trade_id)
                )

    def _draw(self) -> list[list[Draft]]:
        """The trades of the next `STEPS_AHEAD` steps."""
        path = self._model.advance(self._time_ms, STEP_S, STEPS_AHEAD)
        prices = np.exp(path.log_price)
        chances = 1 - np.exp(-self._expected_trades(path.quote_volume, STEP_S))
        trades = self._random.random(prices.shape) < chances
        finds = self._random.random(prices.shape)
        shares = self._random.random(prices.shape) ** SIZE_POWER
        ticks = 10.0 ** -np.array(self._decimals) * self._random.choice((-1, 1), prices.shape)
        steps = []
        for step, volume in enumerate(path.quote_volume):
            self._pending += volume
            trading = np.flatnonzero(trades[step])
            amounts = self._pending[trading] * shares[step, trading]
            amounts = np.maximum(amounts, MIN_TRADE_USD)
            self._pending[trading] -= amounts
            find = finds[step, trading]
            beside = self._last[trading] + np.where(
                find < MOVING_SHARE + TICK_SHARE, ticks[step, trading], 0
            )
            found = np.where(find < MOVING_SHARE, prices[step, trading], beside)
            self._last[trading] = found
            drafts = zip(trading.tolist(), found.tolist(), amounts.tolist(), strict=True)
            steps.append(list(drafts))
        return steps

    def _load_history(self, minutes: int) -> None:
        """Simulate whole minutes on from the market's time and hand them over as history."""
        opening = self._model.log_price
        path = self._model.advance(self._time_ms, MINUTE_S, minutes)
        opens = np.vstack((opening, path.log_price[:-1]))
        highs, lows = self._extremes(opens, path.log_price, path.volatility)
        expected = self._expected_trades(path.quote_volume, MINUTE_S)
        traded = self._random.random(expected.shape) < 1 - np.exp(-expected)
        times = self._time_ms + MINUTE_MS * np.arange(minutes)
        self._time_ms += MINUTE_MS * minutes
        for index, symbol in enumerate(self._symbols):
            candles: CandleArray = np.empty((minutes, CANDLE_COLUMNS))
            candles[:, OPEN_TIME] = times
            logs = (opens, highs, lows, path.log_price)
            for column, log_price in zip((OPEN, HIGH, LOW, CLOSE), logs, strict=True):
                # Rounding keeps the order, so the candle stays consistent.
                candles[:, column] = np.exp(log_price[:, index]).round(self._decimals[index])
            candles[:, QUOTE_VOLUME] = path.quote_volume[:, index].round(2)
            mean_price = candles[:, OPEN : CLOSE + 1].mean(axis=1)
            candles[:, VOLUME] = (candles[:, QUOTE_VOLUME] / mean_price).round(QUANTITY_DECIMALS)
            self._sink.load_history(symbol, candles[traded[:, index]])
        self._last = np.exp(path.log_price[-1])

    def _expected_trades(self, quote_volume: Array, step_s: float) -> Array:
        """How many trades of each symbol are to be expected in steps with so much volume."""
        activity = quote_volume / (self._volume_per_s * step_s)
        expected: Array = self._trades_per_s * step_s * activity.clip(ACTIVITY_MIN, ACTIVITY_MAX)
        return expected

    def _extremes(self, opens: Array, closes: Array, volatility: Array) -> tuple[Array, Array]:
        """High and low of each minute: those of a Brownian bridge from open to close."""
        move = closes - opens
        log_uniform = np.log(1 - self._random.random((2, *move.shape)))
        reach = np.sqrt(move**2 - 2 * volatility**2 * log_uniform)
        moves = MINUTE_S * self._trades_per_s * MOVING_SHARE
        shortfall = np.minimum(EXTREME_SHORTFALL / np.sqrt(moves), EXTREME_SHORTFALL_MAX)
        shortfall = shortfall * volatility
        highs = np.maximum((move + reach[0]) / 2 - shortfall, np.maximum(move, 0))
        lows = np.minimum((move - reach[1]) / 2 + shortfall, np.minimum(move, 0))
        return opens + highs, opens + lows
