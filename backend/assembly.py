"""Where the stream comes from: this process alone, or one of several that share a journal."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from backend.analysis.board import Run
from backend.auth.tokens import new_id
from backend.clock import Clock, wait_until
from backend.config import Settings
from backend.feeds import create_feed, feed_name, feed_names
from backend.feeds.base import Feed, Remember
from backend.history.history import History
from backend.journal.journal import Journal
from backend.journal.lasting import Lasting
from backend.journal.lease import Lease
from backend.journal.memory import MemoryJournal
from backend.journal.recoveries import MemoryRecoveries, Recoveries
from backend.journal.redis_journal import RedisJournal
from backend.journal.redis_recoveries import FLUSH_SECONDS, RedisRecoveries
from backend.journal.redis_streams import LEVELS, RECALLED, RedisStreams
from backend.market.market import Market
from backend.market.replica import Replica
from backend.market.roster import Roster
from backend.metrics import Metrics
from backend.streaming.analyst import Analyst
from backend.streaming.desk import Desk
from backend.streaming.follower import LONGEST_PAUSE_SECONDS, Follower
from backend.streaming.keeper import Keeper, Learner
from backend.streaming.leadership import Leadership
from backend.streaming.pace import Pace
from backend.streaming.periodic import Prompted, supervise
from backend.streaming.producer import Producer
from backend.streaming.production import Alone, Production
from backend.streaming.published import Published
from backend.streaming.rater import Rater
from backend.streaming.track_record import TrackRecord

Spawn = Callable[..., Any]


@dataclass(frozen=True)
class Makers:
    """What makes the parts of whoever produces: that keeps the candles of a market with its feed,
    what a learner of a name learns, and what is said of the market and becomes of it."""

    history: Callable[[Market, Feed], History]
    keeper: Callable[[str, Learner], Keeper]
    record: Callable[[Market, Feed], TrackRecord]
    # Knows what was kept of candles.
    remember: Remember
    # Does what would block the hub.
    compute: Run


# A process that starts has its market before its first client, unless Redis is away: a report comes
# each quarter of a second, and a full one every two.
FIRST_REPORT_SECONDS = 3.0
_LOOK_SECONDS = 0.02
# The name of the ratings' states in the database.
SIGNALS = "signals"


class Source(Protocol):
    """What runs beneath the stream: its market, its journal and whoever produces, and what is kept
    of connections that may come back."""

    market: Market
    journal: Journal
    published: Published
    production: Production
    recoveries: Recoveries

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


class SharedSource:
    """One process of several: it follows the journal, and leads when nobody else does."""

    def __init__(
        self,
        settings: Settings,
        roster: Roster,
        makers: Makers,
        spawn: Spawn,
        clock: Clock,
        sleep: Callable[[float], None],
        metrics: Metrics,
    ) -> None:
        name = feed_name(settings)
        self._streams = RedisStreams(settings.redis_url)
        self._lease = Lease(settings.redis_url, new_id())
        journal = RedisJournal(self._streams, sleep)
        replica = Replica(roster, clock, name)
        self.journal: Journal = journal
        self.market: Market = replica
        self.published = published = Published(journal.log)
        self._tick: Callable[[], None] = lambda: None

        def new_market() -> Market:
            # Of several exchanges not the first may have led: what is known of its market goes on.
            told = replica.feed_state.name
            return Market(roster, clock, told if told in feed_names(settings) else name)

        def new_desk(market: Market) -> Desk:
            return _desk(settings, market, published, makers, spawn, clock, sleep, metrics)

        self._follower = Follower(
            self._streams,
            journal,
            replica,
            lambda: self._tick(),
            {RECALLED: published.recall, LEVELS: published.hold},
            sleep,
            metrics,
        )
        self._reading = Lasting(
            "the journal",
            self._follower.listen,
            sleep,
            random.Random(),
            metrics,
            LONGEST_PAUSE_SECONDS,
        )
        self._spawn = spawn
        self._leadership = Leadership(
            self._lease,
            self._streams,
            journal,
            replica,
            self._follower,
            roster,
            new_market,
            new_desk,
            spawn,
            sleep,
            clock,
            metrics,
        )
        self.production: Production = self._leadership
        recoveries = RedisRecoveries(settings.redis_url, clock)
        self.recoveries: Recoveries = recoveries
        self._keeping = Prompted(
            threading.Event(),
            "recoveries",
            FLUSH_SECONDS,
            recoveries.flush,
            sleep,
            clock,
            metrics,
        )
        recoveries.when_waiting(self._keeping.prompt)
        self._sleep = sleep
        self._metrics = metrics
        self._stopped = False

    def start(self, tick: Callable[[], None]) -> None:
        """Start to follow, and to look whether anybody leads; returns with a market, or without
        where there is none to be had."""
        self._tick = tick
        spawn, leading = self._spawn, self._leadership.run
        spawn(self._reading.run)
        spawn(supervise, "leadership", leading, lambda: self._stopped, self._sleep, self._metrics)
        spawn(self._keeping.run)
        wait_until(
            lambda: not self.market.feed_stale(), FIRST_REPORT_SECONDS, _LOOK_SECONDS, self._sleep
        )

    def stop(self) -> None:
        """Give the lease back and follow no more."""
        self._stopped = True
        self._leadership.stop()
        self._reading.stop()
        self._keeping.stop()

    def follow(self, symbol: str) -> None:
        """A symbol is served from now on: whoever leads reports of it."""
        self.market.carry(symbol)
        self._leadership.follow(symbol)

    def unfollow(self, symbol: str) -> None:
        """It is not served any more."""
        self._leadership.unfollow(symbol)
        self.market.give_up(symbol)
        self.published.unfollow(symbol)


def create_source(
    settings: Settings,
    roster: Roster,
    makers: Makers,
    spawn: Spawn,
    clock: Clock,
    sleep: Callable[[float], None],
    metrics: Metrics,
) -> Source:
    """What the settings ask for, of the symbols of `roster`; `makers` are for whoever produces.
    `spawn(function, *arguments)` runs a background task."""
    if settings.redis_url:
        return SharedSource(settings, roster, makers, spawn, clock, sleep, metrics)
    market = Market(roster, clock, feed_name(settings))
    journal = MemoryJournal()
    published = Published(journal.log)
    desk = _desk(settings, market, published, makers, spawn, clock, sleep, metrics)
    producer = Producer(desk.analyst, journal, published.recall, published.hold, clock)
    recoveries = MemoryRecoveries(clock)
    return LoneSource(
        market, journal, published, Alone(producer), recoveries, desk, spawn, sleep, metrics
    )


def _desk(
    settings: Settings,
    market: Market,
    published: Published,
    makers: Makers,
    spawn: Spawn,
    clock: Clock,
    sleep: Callable[[float], None],
    metrics: Metrics,
) -> Desk:
    """What works on a market."""
    feed = create_feed(
        settings, market.symbols, market, clock, metrics.feed_lag.add, makers.remember
    )
    history = makers.history(market, feed)
    record = makers.record(market, feed)
    rater = Rater(
        market,
        market.symbols,
        settings.signal_timeframe,
        history.earlier_candles(),
        Pace(sleep, clock),
        record.note,
        makers.compute,
    )
    analyst = Analyst(
        market,
        market.symbols,
        rater,
        published.signal,
        pause=Pace(sleep, clock),
        mood_of=settings.symbols,
    )
    keeper = makers.keeper(SIGNALS, rater)
    return Desk(market, feed, history, analyst, keeper, record, spawn)
