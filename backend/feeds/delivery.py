"""The way of what an exchange says into the market: one at a time, whoever says it."""

import threading
from collections.abc import Callable

from backend.clock import Clock
from backend.feeds.backfill import Backfill
from backend.feeds.base import MarketSink
from backend.feeds.frames import Earlier, FeedEvent, Pulse
from backend.market.models import (
    OPEN_TIME,
    BookTop,
    CandleArray,
    DayStatistics,
    FeedFacts,
    FeedState,
    Trade,
)

ObserveLag = Callable[[float], object]

# Of the exchange's figures of 24 h, one that comes this soon after another, in its time, says
# nothing new. Some send them with each trade.
STATISTICS_EVERY_MS = 500


class Delivery:
    """Hands on to `sink` what the reader, or a backfill worker, has; `observe_lag` is told how many
    seconds ago, by the machine's clock, each new trade was made."""

    def __init__(self, sink: MarketSink, clock: Clock, observe_lag: ObserveLag) -> None:
        self._sink = sink
        self._clock = clock
        self._observe_lag = observe_lag
        self._lock = threading.Lock()
        self._statistics_ms: dict[str, int] = {}
        self._told: tuple[FeedState, str] | None = None
        self._facts = FeedFacts()

    @property
    def begun(self) -> bool:
        """Whether the sink knows anything of the feed's state yet."""
        return self._told is not None

    def event(self, event: FeedEvent, backfill: Backfill) -> None:
        """What the stream said, to the market and to whoever looks for gaps in it."""
        with self._lock:
            match event:
                case Trade():
                    self._sink.apply_trade(event)
                    if backfill.observe(event):
                        # A clock of ours that is behind makes it negative.
                        lag_ms = max(0, self._clock.now_ms() - event.time_ms)
                        self._observe_lag(lag_ms / 1000)
                case Earlier(trade):
                    self._sink.apply_trade(trade)
                    backfill.observe(trade)
                case BookTop():
                    self._sink.apply_book(event)
                case DayStatistics(symbol, time_ms):
                    if abs(time_ms - self._statistics_ms.get(symbol, 0)) >= STATISTICS_EVERY_MS:
                        self._statistics_ms[symbol] = time_ms
                        self._sink.apply_statistics(event)
                    backfill.exchange_time(time_ms)
                case Pulse():
                    self._sink.touch(event.symbol, event.time_ms)
                    backfill.pulse(event)

    def newest(self, symbol: str) -> int | None:
        """The newest closed minute that is known already, from a run before or another feed; None
        too where the sink does not carry the symbol any more."""
        try:
            known = self._sink.closed_candles(symbol, 1)
        except KeyError:
            return None
        return int(known[-1, OPEN_TIME]) if len(known) else None

    def unfollow(self, symbol: str) -> None:
        """Nothing comes of a symbol any more."""
        self._statistics_ms.pop(symbol, None)

    def candles(self, symbol: str, candles: CandleArray) -> None:
        """Closed candles that were loaded."""
        with self._lock:
            self._sink.load_history(symbol, candles)

    def gap(self, backfill: Backfill) -> None:
        """The stream begins, or begins anew: what came before is not known."""
        with self._lock:
            backfill.damage_all()

    def state(self, state: FeedState, detail: str = "") -> None:
        """The feed's state, where it has changed."""
        if (state, detail) != self._told:
            self._told = (state, detail)
            with self._lock:
                self._sink.set_feed_state(state, detail)

    def facts(self, facts: FeedFacts) -> list[str]:
        """What the feed knows of itself, where that has changed; the symbols that were not listed
        and are now."""
        if facts == self._facts:
            return []
        listed = [symbol for symbol in self._facts.unlisted if symbol not in facts.unlisted]
        self._facts = facts
        with self._lock:
            self._sink.describe_feed(facts)
        return listed
