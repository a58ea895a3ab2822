"""The default feed: a believable market without a network. It says that it is simulated."""

import time
from collections.abc import Callable, Iterable, Sequence
from itertools import count

import numpy as np

from backend.clock import DAY_MINUTES, HOUR_MS, MINUTE_MS, Clock
from backend.config_values import SIMULATED_FEED, SIMULATION_DAYS_MAX
from backend.feeds.base import Feed, MarketSink
from backend.feeds.newcomers import Newcomer, Newcomers
from backend.feeds.profiles import profile_of
from backend.feeds.simulated_candles import (
    MOVING_SHARE,
    QUANTITY_DECIMALS,
    SimulatedPast,
    Trading,
    minutes_of,
)
from backend.feeds.simulation import MarketModel
from backend.market.candles import MINUTES_KEPT
from backend.market.models import OPEN, OPEN_TIME, CandleArray, FeedState, Trade

# Of one-minute history at the first start: what ratings of hours and a sentiment that looks back on
# a week need; a day less than the market keeps, so that it has the first minute for as long as the
# hours before it are to end there. It begins with a whole hour.
HISTORY_MINUTES = MINUTES_KEPT - DAY_MINUTES
# What a pause, or the time since a run before, is filled up to: as much as the market keeps.
BRIDGED_MINUTES = MINUTES_KEPT
STEP_S = 0.25
# Steps drawn at once: numpy's cost is by the call, and at one step a call it was most of what an
# idle server did.
STEPS_AHEAD = 20
# Behind by more than this (the machine slept), the time missed becomes history, not trades.
GAP_S = 90.0
# What share of trades is a tick beside the last; those that move apart, the others are at it.
TICK_SHARE = 0.3
# A trade takes this power of a uniform share of the money that waits: most are small, some large.
SIZE_POWER = 6
MIN_TRADE_USD = 5.0

# A trade to come: its symbol's index, the price, and the USD that it is worth.
Draft = tuple[int, float, float]


class SimulatedFeed(Feed):
    """Loads six days of history that end now, or goes on from what the market holds already, then
    trades on from it in the machine's time. Its past goes back `days`."""

    name = SIMULATED_FEED
    past_intervals = ("1h",)
    past_page = (SIMULATION_DAYS_MAX + 1) * 24
    past_at_hand = True

    def __init__(
        self,
        symbols: Sequence[str],
        sink: MarketSink,
        clock: Clock,
        random: np.random.Generator,
        sleep: Callable[[float], None] = time.sleep,
        days: int = SIMULATION_DAYS_MAX,
    ) -> None:
        profiles = [profile_of(symbol) for symbol in symbols]
        self._symbols = list(symbols)
        self._sink = sink
        self._clock = clock
        self._random = random
        self._sleep = sleep
        self._days = days
        self._history_minutes = min(HISTORY_MINUTES, days * DAY_MINUTES)
        self._model = MarketModel(profiles, random)
        self._trading = Trading(profiles)
        self._last = np.exp(self._model.log_price)  # what each symbol last traded at
        (random_past,) = random.spawn(1)
        self._past = SimulatedPast(symbols, profiles, self._trading, random_past, sleep, days)
        # Of those that have come since, each by itself.
        self._later_pasts: dict[str, SimulatedPast] = {}
        self._newcomers = Newcomers(sink, clock, random, sleep, self._history_minutes)
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
        self._newcomers.stop()

    def follow(self, symbol: str) -> None:
        self._newcomers.prepare(symbol)

    def unfollow(self, symbol: str) -> None:
        self._newcomers.leave(symbol)

    def past(self, symbol: str, interval: str, before_ms: int, limit: int) -> CandleArray:
        """Hours, before the first minute that is known."""

        def price_then(symbol: str) -> float | None:
            minutes = self._sink.closed_candles(symbol)
            times = minutes[:, OPEN_TIME]
            at = int(np.searchsorted(times, before_ms))
            return float(minutes[at, OPEN]) if at < len(times) and times[at] == before_ms else None

        past = self._later_pasts.get(symbol, self._past)
        return past.hours(symbol, before_ms, self._clock.now_ms(), price_then)[-limit:]

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
            begin_ms = end_ms - self._history_minutes * MINUTE_MS
            self._time_ms = begin_ms - begin_ms % HOUR_MS
            self._load_history(
                (end_ms - self._time_ms) // MINUTE_MS, set(range(len(quotes))) - set(known)
            )
        for index, quote in known.items():
            self._last[index] = quote.price
        is_known = np.isin(np.arange(len(quotes)), list(known))
        self._model.move_to(is_known, np.log(self._last[is_known]))
        if known:
            self._time_ms = reached_ms
            if now_ms // MINUTE_MS > reached_ms // MINUTE_MS:
                self._bridge(now_ms - reached_ms)

    def _step(self) -> None:
        """Move the market from its time to the clock's."""
        for symbol, newcomer in self._newcomers.due():
            if newcomer is None:
                self._leave(symbol)
            elif symbol not in self._symbols:
                self._admit(newcomer)
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
        # Not all symbols trade, but all are there.
        self._sink.touch()
        for _ in range(max(1, round(elapsed_ms / 1000 / STEP_S))):
            if not self._ahead:
                self._ahead = self._draw()[::-1]
            for index, price, amount in self._ahead.pop():
                price = round(price, self._trading.decimals[index])
                quantity = max(round(amount / price, QUANTITY_DECIMALS), 10**-QUANTITY_DECIMALS)
                trade_id = next(self._trade_ids[index])
                self._sink.apply_trade(
                    Trade(self._symbols[index], self._time_ms, price, quantity, trade_id)
                )

    def _admit(self, newcomer: Newcomer) -> None:
        """Trade one symbol more, from where its history has come to. It begins with the first step
        that is not drawn yet."""
        symbol = newcomer.symbol
        self._sink.load_history(symbol, newcomer.candles)
        places = list(range(len(self._symbols)))
        self._rearrange([*self._symbols, symbol], places)
        self._last = np.append(self._last, newcomer.price)
        self._pending = np.append(self._pending, 0.0)
        self._trade_ids.append(count(self._clock.now_ms()))
        self._model.move_to(np.array([*(False for _ in places), True]), np.log(self._last[-1:]))
        (random,) = self._random.spawn(1)
        profiles = [profile_of(symbol)]
        self._later_pasts[symbol] = SimulatedPast(
            [symbol], profiles, Trading(profiles), random, self._sleep, self._days
        )

    def _leave(self, symbol: str) -> None:
        """Trade a symbol no more."""
        if symbol not in self._symbols:
            return
        self._later_pasts.pop(symbol, None)
        gone = self._symbols.index(symbol)
        places = [place for place in range(len(self._symbols)) if place != gone]
        self._rearrange([self._symbols[place] for place in places], places)
        self._last, self._pending = self._last[places], self._pending[places]
        del self._trade_ids[gone]
        self._ahead = [
            [(index - (index > gone), price, usd) for index, price, usd in step if index != gone]
            for step in self._ahead
        ]

    def _rearrange(self, symbols: list[str], places: list[int]) -> None:
        """Go on with these symbols, of which those that there were stood at `places`."""
        profiles = [profile_of(symbol) for symbol in symbols]
        model = MarketModel(profiles, self._random)
        model.succeed(self._model, [*places, *[None] * (len(symbols) - len(places))])
        self._symbols, self._model, self._trading = symbols, model, Trading(profiles)

    def _draw(self) -> list[list[Draft]]:
        """The trades of the next `STEPS_AHEAD` steps."""
        path = self._model.advance(self._time_ms, STEP_S, STEPS_AHEAD)
        prices = np.exp(path.log_price)
        chances = 1 - np.exp(-self._trading.expected(path.quote_volume, STEP_S))
        trades = self._random.random(prices.shape) < chances
        finds = self._random.random(prices.shape)
        shares = self._random.random(prices.shape) ** SIZE_POWER
        tick = 10.0 ** -np.array(self._trading.decimals)
        ticks = tick * self._random.choice((-1, 1), prices.shape)
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

    def _load_history(self, minutes: int, new: Iterable[int] | None = None) -> None:
        """Simulate whole minutes on from the market's time and hand them over as history, of all
        symbols or of those at the `new` indices. Of these the first minute is never a quiet one,
        so that the past can end there."""
        candles, traded = minutes_of(
            self._model, self._time_ms, minutes, self._trading, self._random
        )
        self._time_ms += MINUTE_MS * minutes
        self._last = np.exp(self._model.log_price)
        if new is not None:
            traded[0] = True
        for index in range(len(self._symbols)) if new is None else new:
            self._sink.load_history(self._symbols[index], candles[traded[:, index], index])
