"""Several exchanges in order of preference, of which one leads: what `MARKET_FEED=a,b,c` makes.

The prices of two exchanges differ, so a change of the leader is a change of the market and not a
move in it: candles, figures of the day and prices are taken over together, as the new leader has
them, and only once it has some.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence

from backend.clock import Clock
from backend.feeds.base import Feed, MarketSink, Remember
from backend.feeds.understudy import FRESH_S, Understudy
from backend.feeds.websocket_feed import WebSocketFeed
from backend.market.market import Market
from backend.market.models import FeedState

log = logging.getLogger(__name__)

# How often it is looked who should lead.
LOOK_S = 0.25
# One that was prepared in vain is kept for this long after the leader's trouble is over.
KEEP_S = 60.0
# A preferred one that is back leads again after this long without trouble.
PROVEN_S = 300.0

# (an exchange's class, what to follow, a sink) -> its feed
MakeExchange = Callable[[type[WebSocketFeed], Sequence[str], MarketSink], Feed]


class FailoverFeed(Feed):
    """Runs the leader, those that are preferred to it (which are watched until they have proved
    themselves), and once it is not fresh the next, which has until the leader is out to connect and
    to load what it can of its history.

    The first that is fresh leads. A leader that is out, silent or not live for 15 s or not served
    here (HTTP 451), gives way to the first that is fresh.
    """

    name = "failover"

    def __init__(
        self,
        exchanges: Sequence[type[WebSocketFeed]],
        make: MakeExchange,
        symbols: Iterable[str],
        market: Market,
        clock: Clock,
        remember: Remember,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._exchanges = {exchange.name: exchange for exchange in exchanges}
        self._names = tuple(self._exchanges)
        self._make = make
        self._remember = remember
        self._symbols = tuple(symbols)
        self._market = market
        self._clock = clock
        self._stopping = threading.Event()
        self._sleep = sleep or self._stopping.wait
        self._running: dict[str, Understudy] = {}
        self._gone: list[Understudy] = []
        self._leader: Understudy | None = None

    @property
    def sources(self) -> Mapping[str, tuple[str, ...]]:
        return {name: exchange.past_intervals for name, exchange in self._exchanges.items()}

    @property
    def present(self) -> Feed:
        return self if self._leader is None else self._leader.feed

    def run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._look()
                self._sleep(LOOK_S)
        finally:
            for name in tuple(self._running):
                self._end(name)
            for understudy in self._gone:
                understudy.join()
            self._market.set_feed_state(FeedState.STOPPED)

    def stop(self) -> None:
        self._stopping.set()

    def follow(self, symbol: str) -> None:
        if symbol not in self._symbols:
            self._symbols = (*self._symbols, symbol)
            for understudy in tuple(self._running.values()):
                understudy.follow(symbol)

    def unfollow(self, symbol: str) -> None:
        self._symbols = tuple(other for other in self._symbols if other != symbol)
        for understudy in tuple(self._running.values()):
            understudy.unfollow(symbol)

    # --- within ---------------------------------------------------------------------------------

    def _look(self) -> None:
        leader = self._leader
        place = 0 if leader is None else self._names.index(leader.name)
        for name in self._names[: place + (leader is None)]:
            self._begin(name)
        self._prepare(place)
        chosen = self._choice()
        if chosen is not None:
            self._hand_over(chosen)
        elif leader is None:
            problems = "; ".join(other.problem for other in self._running.values())
            self._market.set_feed_state(FeedState.CONNECTING, problems)

    def _prepare(self, place: int) -> None:
        """Of those after the one at `place`, run each while the one before it is in trouble."""
        for before, name in zip(self._names[place:], self._names[place + 1 :], strict=False):
            other = self._running.get(before)
            if other is not None and (other.feed.unavailable or other.trouble_s() >= FRESH_S):
                self._begin(name)
            elif name in self._running and (other is None or other.calm_s() >= KEEP_S):
                self._end(name)

    def _choice(self) -> Understudy | None:
        """Who is to lead from now on, if that is not who does."""
        leader = self._leader
        in_order = [self._running[name] for name in self._names if name in self._running]
        if leader is None:
            for understudy in in_order:
                if understudy.fresh:
                    return understudy
                if not understudy.out:
                    return None
            return None
        if leader.out:
            return next((other for other in in_order if other.fresh and other is not leader), None)
        preferred = in_order[: in_order.index(leader)]
        return next((other for other in preferred if self._has_proved(other)), None)

    def _has_proved(self, understudy: Understudy) -> bool:
        return understudy.fresh and understudy.healthy_s() >= PROVEN_S

    def _hand_over(self, understudy: Understudy) -> None:
        former, self._leader = self._leader, understudy
        if former is not None:
            self._end(former.name)
        before = self._names[: self._names.index(understudy.name)]
        because = f"in place of {' and '.join(before)}" if before else ""
        log.warning(
            "%s leads the market%s%s",
            understudy.name,
            "" if former is None else f" after {former.problem}",
            f", {because}" if because else "",
        )
        understudy.lead(self._market, because)

    def _begin(self, name: str) -> None:
        if name not in self._running or self._running[name].ended:
            exchange = self._exchanges[name]
            self._running[name] = Understudy(
                name,
                lambda symbols, sink: self._make(exchange, symbols, sink),
                self._symbols,
                self._clock,
                lambda symbols: self._remember(name, symbols),
            )

    def _end(self, name: str) -> None:
        understudy = self._running.pop(name)
        understudy.retire()
        # Those that have ended by themselves need no waiting for.
        self._gone = [other for other in self._gone if not other.ended]
        self._gone.append(understudy)
