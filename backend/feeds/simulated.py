"""The default feed: a believable market without a network. It says that it is simulated."""

import time
from collections.abc import Callable, Sequence
from itertools import count

import numpy as np

from backend.clock import MINUTE_MS, Clock
from backend.config_values import SIMULATED_FEED
from backend.feeds.base import Feed, MarketSink
from backend.feeds.profiles import profile_of
from backend.feeds.simulation import MINUTE_S, Array, MarketModel
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

# 24 h of change and volume, and the same again for what compares a day with the one before.
HISTORY_MINUTES = 48 * 60
STEP_S = 0.25
# Steps drawn at once: numpy's cost is by the call, and at one step a call it was most of what an
# idle server did.
STEPS_AHEAD = 20
# Behind by more than this (the machine slept), the time missed becomes history, not trades.
GAP_S = 90.0
# Trades a second of one symbol: of four steps a second about every other one trades, so that two
# seconds without a trade are a matter of one in 200.
TRADES_PER_S = 2.8
# Spread of the trades' sizes, in log units; the mean stays what the model says.
SIZE_SD = 1.0
# The extremes of a path seen only at its trades fall short of the true ones by this, in units of
# the minute's volatility (Broadie, Glasserman and Kou 1997).
EXTREME_SHORTFALL = 0.5826 / (MINUTE_S * TRADES_PER_S) ** 0.5
QUANTITY_DECIMALS = 8

# A trade to come: its symbol's index, the price, and the USD that it is worth.
Draft = tuple[int, float, float]


class SimulatedFeed(Feed):
    """Loads 48 h of history that ends now, then trades on from it in the machine's time."""

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
        for _ in range(max(1, round(elapsed_ms / 1000 / STEP_S))):
            if not self._ahead:
                self._ahead = self._draw()[::-1]
            for index, price, amount in self._ahead.pop():
                price = round(price, self._decimals[index])
                quantity = round(amount / price, QUANTITY_DECIMALS)
                trade_id = next(self._trade_ids[index])
                self._sink.apply_trade(
                    Trade(self._symbols[index], self._time_ms, price, quantity, trade_id)
                )

    def _draw(self) -> list[list[Draft]]:
        """The trades of the next `STEPS_AHEAD` steps."""
        path = self._model.advance(self._time_ms, STEP_S, STEPS_AHEAD)
        prices = np.exp(path.log_price)
        trades = self._random.random(prices.shape) < 1 - np.exp(-TRADES_PER_S * STEP_S)
        sizes = np.exp(SIZE_SD * self._random.standard_normal(prices.shape) - SIZE_SD**2 / 2)
        steps = []
        for step, volume in enumerate(path.quote_volume):
            self._pending += volume
            trading = np.flatnonzero(trades[step])
            amounts = self._pending[trading] * sizes[step, trading]
            self._pending[trading] = 0
            drafts = zip(
                trading.tolist(), prices[step, trading].tolist(), amounts.tolist(), strict=True
            )
            steps.append(list(drafts))
        return steps

    def _load_history(self, minutes: int) -> None:
        """Simulate whole minutes on from the market's time and hand them over as history."""
        opening = self._model.log_price
        path = self._model.advance(self._time_ms, MINUTE_S, minutes)
        opens = np.vstack((opening, path.log_price[:-1]))
        highs, lows = self._extremes(opens, path.log_price, path.volatility)
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
            self._sink.load_history(symbol, candles)

    def _extremes(self, opens: Array, closes: Array, volatility: Array) -> tuple[Array, Array]:
        """High and low of each minute: those of a Brownian bridge from open to close."""
        move = closes - opens
        log_uniform = np.log(1 - self._random.random((2, *move.shape)))
        reach = np.sqrt(move**2 - 2 * volatility**2 * log_uniform)
        shortfall = EXTREME_SHORTFALL * volatility
        highs = np.maximum((move + reach[0]) / 2 - shortfall, np.maximum(move, 0))
        lows = np.minimum((move - reach[1]) / 2 + shortfall, np.minimum(move, 0))
        return opens + highs, opens + lows
