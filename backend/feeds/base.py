"""What a feed is, and what it may tell the market.

A feed runs as one background task: `run` blocks until the feed ends or `stop` is called, uses the
standard library's sockets and `time.sleep` (which the entry point makes cooperative), and speaks
to a `MarketSink` only. To add an exchange, write one file with one `Feed` subclass and name it in
`FEEDS` of `backend/feeds/__init__.py`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Protocol

from backend.market.models import (
    BookTop,
    Candle,
    CandleArray,
    DayStatistics,
    FeedFacts,
    FeedState,
    Quote,
    Trade,
)


class MarketSink(Protocol):
    """The market as a feed sees it.

    Whatever is handed over is doubted: NaN, zero, negative, duplicate and out-of-order data are
    dropped and counted by the sink, never raised back into the feed.
    """

    def apply_trade(self, trade: Trade) -> None:
        """A trade, in the exchange's order."""

    def apply_candle(self, symbol: str, candle: Candle) -> None:
        """A closed one-minute candle that moves the market on (a feed without trades)."""

    def apply_statistics(self, statistics: DayStatistics) -> None:
        """The exchange's own 24 h figures."""

    def apply_book(self, book: BookTop) -> None:
        """The best bid and offer, as often as they change."""

    def load_history(self, symbol: str, candles: CandleArray) -> None:
        """Closed one-minute candles, oldest first: the past at start, or a gap's backfill.

        They replace candles of the same minutes and never touch the minute that is forming.
        """

    def touch(self, symbol: str | None = None, time_ms: int | None = None) -> None:
        """The feed is alive though a symbol (None: every symbol it carries) has not changed, and
        by the exchange's clock, where that is told, it is `time_ms`."""

    def set_feed_state(self, state: FeedState, detail: str = "") -> None:
        """The feed's state changed; `detail` is for people, and holds no secret."""

    def describe_feed(self, facts: FeedFacts) -> None:
        """What the feed knows of itself, whenever that changes."""

    def quote(self, symbol: str) -> Quote | None:
        """What is known of a symbol already, from a run before or a feed before: a feed goes on
        from there. None: nothing."""

    def closed_candles(self, symbol: str, limit: int | None = None) -> CandleArray:
        """The newest closed minutes that are known already, oldest first."""


# (a source, symbols) -> (symbol, its closed minutes from a run before), as far as there are any.
# May wait.
Remember = Callable[[str, Iterable[str]], Iterable[tuple[str, CandleArray]]]


class PastUnavailable(Exception):
    """The past can't be had now; ask again after `retry_after_s`."""

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Feed(ABC):
    """A source of market data; `name` is what clients see, so a simulation says that it is one."""

    name: ClassVar[str]
    # Whether each run begins with another time, and has nothing to do with what a run before left.
    begins_anew: ClassVar[bool] = False
    # The intervals that `past` answers for, those first that are wanted first; all others are
    # rolled up from them. How many candles one call may ask for, and the pause between calls.
    past_intervals: ClassVar[tuple[str, ...]] = ()
    past_page: ClassVar[int] = 1_000
    past_pause_s: ClassVar[float] = 0.0
    # Whether `past` has all of it at hand, and asks nobody.
    past_at_hand: ClassVar[bool] = False

    @property
    def sources(self) -> Mapping[str, tuple[str, ...]]:
        """What it is made of, by the names of the sources: the `past_intervals` of each."""
        return {self.name: self.past_intervals}

    @property
    def present(self) -> "Feed":
        """Of one that is made of several, the one that speaks now; else itself."""
        return self

    @property
    def unavailable(self) -> bool:
        """Whether its exchange does not serve this place at all."""
        return False

    @abstractmethod
    def run(self) -> None:
        """Deliver data until the feed ends or `stop` is called; recovers from its own errors."""

    @abstractmethod
    def stop(self) -> None:
        """Make `run` return soon. May be called from another task, and more than once."""

    @abstractmethod
    def follow(self, symbol: str) -> None:
        """Deliver of this symbol too, from soon on, with its history, and go on with all others as
        ever. The sink carries it by now, perhaps with what was known of it. Called from another
        task, also while `run` does not run, more than once perhaps; does not wait."""

    @abstractmethod
    def unfollow(self, symbol: str) -> None:
        """Deliver of this symbol no more, whether it was followed or not; likewise."""

    def past(self, symbol: str, interval: str, before_ms: int, limit: int) -> CandleArray:
        """Candles of one of `past_intervals` (n <= limit, 7), oldest first: the newest of those
        that open before `before_ms`. None: the source has no older ones.

        Called from one task at a time, while `run` runs; may block that task, and lets others
        have their turn at least each millisecond. Raises `PastUnavailable`.
        """
        raise NotImplementedError(f"{self.name} has no past")
