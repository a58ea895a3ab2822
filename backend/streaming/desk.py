"""What a process works with while it produces: the market, with its feed, its history, the
analysis and what that has learnt."""

from collections.abc import Callable
from typing import Any

from backend.feeds.base import Feed
from backend.history.history import History
from backend.market.market import Market
from backend.streaming.analyst import Analyst
from backend.streaming.keeper import Keeper
from backend.streaming.track_record import TrackRecord


class Desk:
    """Keeps all of them at the same symbols, while these come and go."""

    def __init__(
        self,
        market: Market,
        feed: Feed,
        history: History,
        analyst: Analyst,
        keeper: Keeper,
        record: TrackRecord,
        spawn: Callable[..., Any],
    ) -> None:
        """`spawn(function, *arguments)` runs a background task."""
        self.market = market
        self.feed = feed
        self.history = history
        self.analyst = analyst
        self._keeper = keeper
        self._record = record
        self._spawn = spawn

    def start(self) -> None:
        """Load what was stored, and begin to keep what comes; before the feed runs."""
        self.history.start(self._spawn)
        self._keeper.start(self._spawn)
        self._record.start(self._spawn)

    def stop(self) -> None:
        """Keep nothing more by itself."""
        self.history.stop()
        self._keeper.stop()
        self._record.stop()

    def save_last(self) -> None:
        """Write, as the process ends, what was learnt and said."""
        self._keeper.save_last()
        self.analyst.changed_levels()  # of which the record hears the last that were said
        self._record.save_last()

    def follow(self, symbol: str) -> None:
        """Carry a symbol from now on, with what was stored of it."""
        if not self.market.carries(symbol):
            self.market.carry(symbol)
            self.analyst.follow(symbol)
            self._spawn(self._begin, symbol)

    def unfollow(self, symbol: str) -> None:
        """Carry it no more. What is stored of it stays."""
        if self.market.carries(symbol):
            self.feed.unfollow(symbol)
            self.analyst.unfollow(symbol)
            self.market.give_up(symbol)

    def _begin(self, symbol: str) -> None:
        # The feed goes on from what there is.
        self.history.restore((symbol,))
        if self.market.carries(symbol):
            self.feed.follow(symbol)
