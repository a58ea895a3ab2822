"""Where the stream comes from: this process alone, or one of several that share a journal."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

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
from backend.metrics import Metrics
from backend.streaming.analyst import Analyst
from backend.streaming.follower import LONGEST_PAUSE_SECONDS, Follower
from backend.streaming.keeper import Keeper, Learner
from backend.streaming.leadership import Desk, Leadership
from backend.streaming.periodic import Prompted, supervise
from backend.streaming.producer import Producer
from backend.streaming.production import Alone, Production
from backend.streaming.published import Published
from backend.streaming.rater import Rater
from backend.streaming.track_record import TrackRecord

Spawn = Callable[..., Any]
NewHistory = Callable[[Market, Feed], History]
NewKeeper = Callable[[str, Learner], Keeper]
NewRecord = Callable[[Market, Feed, History], TrackRecord]

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

    def start(self, spawn: Spawn, tick: Callable[[], None]) -> None:
        """Start the background tasks, by `spawn(function, *arguments)`; `tick` sends clients their
        quotes."""

    def stop(self) -> None:
        """Stop them, and give back what others wait for."""


@dataclass
class LoneSource:
    """Everything in this process, and nothing else needed."""

    market: Market
    journal: Journal
    published: Published
    production: Production
    recoveries: Recoveries
    feed: Feed
    history: History
    keeper: Keeper
    record: TrackRecord
    sleep: Callable[[float], None]
    metrics: Metrics
    stopped: bool = False

    def start(self, spawn: Spawn, tick: Callable[[], None]) -> None:
        """Load what was stored, and start the feed."""
        self.history.start(spawn)
        self.keeper.start(spawn)
        self.record.start(spawn)
        spawn(supervise, "feed", self.feed.run, lambda: self.stopped, self.sleep, self.metrics)

    def stop(self) -> None:
        """Stop the feed, and write what it has brought."""
        self.stopped = True
        self.feed.stop()
        self.history.flush()
        self.history.stop()
        self.keeper.stop()
        self.keeper.save_last()
        self.record.stop()
        self.record.save_last()


class SharedSource:
    """One process of several: it follows the journal, and leads when nobody else does."""

    def __init__(
        self,
        settings: Settings,
        new_history: NewHistory,
        new_keeper: NewKeeper,
        new_record: NewRecord,
        remember: Remember,
        clock: Clock,
        sleep: Callable[[float], None],
        metrics: Metrics,
    ) -> None:
        name, symbols = feed_name(settings), settings.symbols
        self._streams = RedisStreams(settings.redis_url)
        self._lease = Lease(settings.redis_url, new_id())
        journal = RedisJournal(self._streams, sleep)
        replica = Replica(symbols, clock, name)
        self.journal: Journal = journal
        self.market: Market = replica
        self.published = published = Published(journal.log, symbols)
        self._tick: Callable[[], None] = lambda: None

        def new_market() -> Market:
            # Of several exchanges not the first may have led: what is known of its market goes on.
            told = replica.feed_state.name
            return Market(symbols, clock, told if told in feed_names(settings) else name)

        def new_desk(market: Market) -> Desk:
            feed = create_feed(settings, market, clock, metrics.feed_lag.add, remember)
            history = new_history(market, feed)
            record = new_record(market, feed, history)
            rater = _rater(settings, market, history, record, sleep)
            analyst = _analyst(market, rater, published, sleep)
            return Desk(feed, history, analyst, new_keeper(SIGNALS, rater), record)

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
        self._spawn: Spawn = lambda *_: None
        self._leadership = Leadership(
            self._lease,
            self._streams,
            journal,
            replica,
            self._follower,
            new_market,
            new_desk,
            lambda *task: self._spawn(*task),
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

    def start(self, spawn: Spawn, tick: Callable[[], None]) -> None:
        """Start to follow, and to look whether anybody leads; returns with a market, or without
        where there is none to be had."""
        self._spawn, self._tick = spawn, tick
        spawn(self._reading.run)
        leading = self._leadership.run
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


def create_source(
    settings: Settings,
    new_history: NewHistory,
    new_keeper: NewKeeper,
    new_record: NewRecord,
    remember: Remember,
    clock: Clock,
    sleep: Callable[[float], None],
    metrics: Metrics,
) -> Source:
    """What the settings ask for. For whoever produces `new_history` makes what keeps the candles of
    a market with that feed, `new_keeper` what keeps what a learner of that name learns,
    `new_record` what keeps what is said of a market, and what becomes of it; `remember` knows what
    was kept of candles."""
    if settings.redis_url:
        return SharedSource(
            settings, new_history, new_keeper, new_record, remember, clock, sleep, metrics
        )
    market = Market(settings.symbols, clock, feed_name(settings))
    journal = MemoryJournal()
    published = Published(journal.log, settings.symbols)
    feed = create_feed(settings, market, clock, metrics.feed_lag.add, remember)
    history = new_history(market, feed)
    record = new_record(market, feed, history)
    rater = _rater(settings, market, history, record, sleep)
    analyst = _analyst(market, rater, published, sleep)
    producer = Producer(analyst, journal, published.recall, published.hold, clock)
    recoveries = MemoryRecoveries(clock)
    return LoneSource(
        market,
        journal,
        published,
        Alone(producer),
        recoveries,
        feed,
        history,
        new_keeper(SIGNALS, rater),
        record,
        sleep,
        metrics,
    )


def _rater(
    settings: Settings,
    market: Market,
    history: History,
    record: TrackRecord,
    sleep: Callable[[float], None],
) -> Rater:
    earlier, timeframe = history.earlier_candles(), settings.signal_timeframe
    return Rater(market, settings.symbols, timeframe, earlier, lambda: sleep(0), record.note)


def _analyst(
    market: Market, rater: Rater, published: Published, sleep: Callable[[float], None]
) -> Analyst:
    return Analyst(market, market.symbols, rater, published.signal, pause=lambda: sleep(0))
