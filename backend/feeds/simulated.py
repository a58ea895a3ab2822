"""The default feed: a believable market without a network. It says that it is simulated."""

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import count

import numpy as np

from backend.clock import HOUR_MS, MINUTE_MS, Clock
from backend.config_values import SIMULATED_FEED
from backend.feeds.base import Feed, MarketSink
from backend.feeds.profiles import profile_of
from backend.feeds.simulated_candles import (
    PAST_DAYS,
    QUANTITY_DECIMALS,
    TRADES_PER_S,
    SimulatedPast,
    candles_of,
)
from backend.feeds.simulation import MINUTE_S, MarketModel
from backend.market.candles import MINUTES_KEPT
from backend.market.models import OPEN, OPEN_TIME, CandleArray, FeedState, Trade
from backend.market.precision import price_decimals

# 24 h of change and volume, and the same again for what compares a day with the one before. It
# begins with a whole hour, so that the hours before it end there.
HISTORY_MINUTES = 48 * 60
# What a pause, or the time since a run before, is filled up to: as much as the market keeps.
BRIDGED_MINUTES = MINUTES_KEPT
STEP_S = 0.25
# Steps drawn at once: numpy's cost is by the call, and at one step a call it was most of what an
# idle server did.
STEPS_AHEAD = 20
# Behind by more than this (the machine slept), the time missed becomes history, not trades.
GAP_S = 90.0
# Spread of the trades' sizes, in log units; the mean stays what the model says.
SIZE_SD = 1.0

# A trade to come: its symbol's index, the price, and the USD that it is worth.
Draft = tuple[int, float, float]


class SimulatedFeed(Feed):
    """Loads 48 h of history that ends now, or goes on from what the market holds already, then
    trades on from it in the machine's time."""

    name = SIMULATED_FEED
    past_intervals = ("1h",)
    past_page = (PAST_DAYS + 1) * 24

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
        (random_past,) = random.spawn(1)
        self._past = SimulatedPast(symbols, profiles, self._decimals, random_past, sleep)
        self._trade_ids: list[count[int]] = []
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

    def past(self, symbol: str, interval: str, before_ms: int, limit: int) -> CandleArray:
        """Two years of hours, before the first minute that is known."""

        def price_then(symbol: str) -> float | None:
            minutes = self._sink.closed_candles(symbol)
            times = minutes[:, OPEN_TIME]
            at = int(np.searchsorted(times, before_ms))
            return float(minutes[at, OPEN]) if at < len(times) and times[at] == before_ms else None

        return self._past.hours(symbol, before_ms, self._clock.now_ms(), price_then)[-limit:]

    def _start(self) -> None:
        """Go on from what the market holds already; what it lacks is made up to there."""
        quotes = [self._sink.quote(symbol) for symbol in self._symbols]
        known = {index: quote for index, quote in enumerate(quotes) if quote is not None}
        now_ms = self._clock.now_ms()
        # Ids that no run before has given: there are never as many trades as milliseconds.
        self._trade_ids = [count(now_ms) for _ in self._symbols]
        reached_ms = max((quote.time_ms + 1 for quote in known.values()), default=now_ms)
        if len(known) < len(quotes):
            end_ms = reached_ms - reached_ms % MINUTE_MS
            begin_ms = end_ms - HISTORY_MINUTES * MINUTE_MS
            self._time_ms = begin_ms - begin_ms % HOUR_MS
            self._load_history(
                (end_ms - self._time_ms) // MINUTE_MS, set(range(len(quotes))) - set(known)
            )
        for index, quote in known.items():
            self._model.log_price[index] = np.log(quote.price)
        if known:
            self._time_ms = reached_ms
            if now_ms // MINUTE_MS > reached_ms // MINUTE_MS:
                self._bridge(now_ms - reached_ms)

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
        if rest_of_minute_ms:
            self._model.advance(self._time_ms, rest_of_minute_ms / 1000)
        minutes = (elapsed_ms - rest_of_minute_ms) // MINUTE_MS
        kept = min(minutes, BRIDGED_MINUTES)
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

    def _load_history(self, minutes: int, wanted: Iterable[int] | None = None) -> None:
        """Simulate whole minutes on from the market's time and hand them over as history, of all
        symbols or of those at the `wanted` indices."""
        opening = self._model.log_price
        path = self._model.advance(self._time_ms, MINUTE_S, minutes)
        opens = np.vstack((opening, path.log_price[:-1]))
        times = self._time_ms + MINUTE_MS * np.arange(minutes, dtype=float)
        self._time_ms += MINUTE_MS * minutes
        candles = candles_of(
            opens, path.log_price, path, times, MINUTE_S, self._decimals, self._random
        )
        for index in range(len(self._symbols)) if wanted is None else wanted:
            self._sink.load_history(self._symbols[index], candles[:, index])
