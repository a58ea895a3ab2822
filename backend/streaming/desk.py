"""What a process works with while it produces: the market, with its feed, its history, the
analysis and what that has learnt."""

from collections.abc import Callable
from typing import Any

from backend.feeds.base import Feed
from backend.history.history import History
from backend.market.market import Market
from backend.streaming.analyst import Analyst
from backend.streaming.keeper import Keeper


class Desk:
    """Keeps all of them at the same symbols, while these come and go."""

    def __init__(
        self,
        market: Market,
        feed: Feed,
        history: History,
        analyst: Analyst,
        keeper: Keeper,
        spawn: Callable[..., Any],
    ) -> None:
        """`spawn(function, *arguments)` runs a background task."""
        self.market = market
        self.feed = feed
        self.history = history
        self.analyst = analyst
        self.keeper = keeper
        self._spawn = spawn

    def follow(self, symbol: str) -> None:
        """Carry a symbol from now on, with what was stored of it."""
        if symbol not in self.market.symbols:
            self.market.carry(symbol)
            self.analyst.follow(symbol)
            self._spawn(self._begin, symbol)

    def unfollow(self, symbol: str) -> None:
        """Carry it no more. What is stored of it stays."""
        if symbol in self.market.symbols:
            self.feed.unfollow(symbol)
            self.analyst.unfollow(symbol)
            self.market.give_up(symbol)

    def _begin(self, symbol: str) -> None:
        # The feed goes on from what there is.
        self.history.restore(symbol)
        if symbol in self.market.symbols:
            self.feed.follow(symbol)
