"""The way of what an exchange says into the market: one at a time, whoever says it."""

import threading
from collections.abc import Iterable

from backend.feeds.backfill import Backfill
from backend.feeds.base import MarketSink
from backend.feeds.frames import FeedEvent, Pulse
from backend.market.models import (
    OPEN_TIME,
    BookTop,
    CandleArray,
    DayStatistics,
    FeedFacts,
    FeedState,
    Trade,
)

# Of the exchange's figures of 24 h, one that comes this soon after another, in its time, says
# nothing new. Some send them with each trade.
STATISTICS_EVERY_MS = 500


class Delivery:
    """Hands on to `sink` what the reader, or a backfill worker, has."""

    def __init__(self, symbols: Iterable[str], sink: MarketSink) -> None:
        self._sink = sink
        self._lock = threading.Lock()
        self._statistics_ms = dict.fromkeys(symbols, 0)
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
                    backfill.observe(event)
                case BookTop():
                    self._sink.apply_book(event)
                case DayStatistics(symbol, time_ms):
                    if abs(time_ms - self._statistics_ms[symbol]) >= STATISTICS_EVERY_MS:
                        self._statistics_ms[symbol] = time_ms
                        self._sink.apply_statistics(event)
                    backfill.exchange_time(time_ms)
                case Pulse():
                    self._sink.touch(event.symbol, event.time_ms)
                    backfill.pulse(event)

    def newest(self, symbol: str) -> int | None:
        """The newest closed minute that is known already, from a run before or another feed."""
        known = self._sink.closed_candles(symbol, 1)
        return int(known[-1, OPEN_TIME]) if len(known) else None

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

    def unlisted(self, symbols: Iterable[str]) -> list[str]:
        """The symbols that aren't listed, where they have changed; those of before that are."""
        facts = FeedFacts(unlisted=tuple(symbols))
        if facts == self._facts:
            return []
        listed = [symbol for symbol in self._facts.unlisted if symbol not in facts.unlisted]
        self._facts = facts
        with self._lock:
            self._sink.describe_feed(facts)
        return listed
