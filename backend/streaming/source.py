"""Where the stream comes from: this process alone, or one of several that share a journal."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from backend.clock import wait_until
from backend.journal.journal import Journal
from backend.journal.peers import Task
from backend.journal.recoveries import Recoveries
from backend.market.market import Market
from backend.market.replica import Replica
from backend.market.state import MarketState
from backend.metrics import Metrics
from backend.streaming.desk import Desk
from backend.streaming.leadership import Leadership
from backend.streaming.periodic import supervise
from backend.streaming.production import Production
from backend.streaming.published import Published

# (function, *arguments): runs it as a background task.
Spawn = Callable[..., Any]

# A process that starts has its market before its first client, unless Redis is away: a report comes
# each quarter of a second, and a full one every two.
FIRST_REPORT_SECONDS = 3.0
_LOOK_SECONDS = 0.02


class Source(Protocol):
    """What runs beneath the stream: its market, its journal and whoever produces, and what is kept
    of connections that may come back."""

    @property
    def market(self) -> MarketState: ...
    @property
    def journal(self) -> Journal: ...
    @property
    def published(self) -> Published: ...
    @property
    def production(self) -> Production: ...
    @property
    def recoveries(self) -> Recoveries: ...

    def start(self, tick: Callable[[], None]) -> None:
        """Start the background tasks; `tick` sends clients their quotes."""

    def stop(self) -> None:
        """Stop them, and give back what others wait for."""

    def follow(self, symbol: str) -> None:
        """A symbol is served from now on."""

    def unfollow(self, symbol: str) -> None:
        """It is not served any more."""


@dataclass
class LoneSource:
    """Everything in this process, and nothing else needed."""

    market: Market
    journal: Journal
    published: Published
    production: Production
    recoveries: Recoveries
    desk: Desk
    spawn: Spawn
    sleep: Callable[[float], None]
    metrics: Metrics
    stopped: bool = False

    def start(self, tick: Callable[[], None]) -> None:
        """Load what was stored, and start the feed."""
        feed = self.desk.feed
        self.desk.start()
        self.spawn(supervise, "feed", feed.run, lambda: self.stopped, self.sleep, self.metrics)

    def stop(self) -> None:
        """Stop the feed, and write what it has brought."""
        self.stopped = True
        self.desk.feed.stop()
        self.desk.history.flush()
        self.desk.stop()
        self.desk.save_last()

    def follow(self, symbol: str) -> None:
        """A symbol is served from now on."""
        self.desk.follow(symbol)

    def unfollow(self, symbol: str) -> None:
        """It is not served any more."""
        self.desk.unfollow(symbol)
        self.published.unfollow(symbol)


@dataclass
class SharedSource:
    """One process of several: it follows the journal, and leads when nobody else does."""

    market: Replica
    journal: Journal
    published: Published
    production: Leadership
    recoveries: Recoveries
    # What reads the journal, and what writes connections' states.
    reading: Task
    keeping: Task
    spawn: Spawn
    sleep: Callable[[float], None]
    metrics: Metrics
    stopped: bool = False
    # Sends this process's clients their quotes, when whoever leads says so.
    tick: Callable[[], None] = lambda: None

    def start(self, tick: Callable[[], None]) -> None:
        """Start to follow, and to look whether anybody leads; returns with a market, or without
        where there is none to be had."""
        self.tick = tick
        spawn, leading = self.spawn, self.production.run
        spawn(self.reading.run)
        spawn(supervise, "leadership", leading, lambda: self.stopped, self.sleep, self.metrics)
        spawn(self.keeping.run)
        wait_until(
            lambda: not self.market.feed_stale(), FIRST_REPORT_SECONDS, _LOOK_SECONDS, self.sleep
        )

    def stop(self) -> None:
        """Give the lease back and follow no more."""
        self.stopped = True
        self.production.stop()
        self.reading.stop()
        self.keeping.stop()

    def follow(self, symbol: str) -> None:
        """A symbol is served from now on: whoever leads reports of it."""
        self.market.carry(symbol)
        self.production.follow(symbol)

    def unfollow(self, symbol: str) -> None:
        """It is not served any more."""
        self.production.unfollow(symbol)
        self.market.give_up(symbol)
        self.published.unfollow(symbol)
