"""Where the stream comes from: this process, or with a Redis one of all that share it."""

import threading
from random import Random

from backend.assembly.desks import Desks
from backend.assembly.ground import Ground
from backend.auth.tokens import new_id
from backend.feeds import feed_name, feed_names
from backend.journal.lasting import Lasting
from backend.journal.lease import Lease
from backend.journal.memory import MemoryJournal
from backend.journal.recoveries import MemoryRecoveries
from backend.journal.redis_journal import RedisJournal
from backend.journal.redis_recoveries import FLUSH_SECONDS, RedisRecoveries
from backend.journal.redis_streams import LEVELS, RECALLED, RedisStreams
from backend.market.market import Market
from backend.market.replica import Replica
from backend.market.roster import Roster
from backend.streaming.follower import LONGEST_PAUSE_SECONDS, Follower
from backend.streaming.leadership import Leadership
from backend.streaming.periodic import Prompted
from backend.streaming.producer import Producer
from backend.streaming.production import Alone
from backend.streaming.published import Published
from backend.streaming.source import LoneSource, SharedSource, Source


def create_source(ground: Ground, roster: Roster, desks: Desks) -> Source:
    """What the settings ask for, of the symbols of `roster`; `desks` are for whoever produces."""
    if ground.settings.redis_url:
        return _shared(ground, roster, desks)
    return _lone(ground, roster, desks)


def _lone(ground: Ground, roster: Roster, desks: Desks) -> LoneSource:
    market = Market(roster, ground.clock, feed_name(ground.settings))
    journal = MemoryJournal()
    published = Published(journal.log)
    desk = desks.desk(market, published)
    producer = Producer(desk.analyst, journal, published.recall, published.hold, ground.clock)
    return LoneSource(
        market,
        journal,
        published,
        Alone(producer),
        MemoryRecoveries(ground.clock),
        desk,
        ground.spawn,
        ground.sleep,
        ground.metrics,
    )


def _shared(ground: Ground, roster: Roster, desks: Desks) -> SharedSource:
    clock, sleep, metrics = ground.clock, ground.sleep, ground.metrics
    redis_url, name = ground.settings.redis_url, feed_name(ground.settings)
    streams = RedisStreams(redis_url)
    journal = RedisJournal(streams, sleep)
    replica = Replica(roster, clock, name)
    published = Published(journal.log)

    def new_market() -> Market:
        # Of several exchanges not the first may have led: what is known of its market goes on.
        told = replica.feed_state.name
        return Market(roster, clock, told if told in feed_names(ground.settings) else name)

    follower = Follower(
        streams,
        journal,
        replica,
        lambda: source.tick(),
        {RECALLED: published.recall, LEVELS: published.hold},
        sleep,
        metrics,
    )
    leadership = Leadership(
        Lease(redis_url, new_id()),
        streams,
        journal,
        replica,
        follower,
        roster,
        new_market,
        lambda market: desks.desk(market, published),
        ground.spawn,
        sleep,
        clock,
        metrics,
    )
    recoveries = RedisRecoveries(redis_url, clock)
    keeping = Prompted(
        threading.Event(),
        "recoveries",
        FLUSH_SECONDS,
        recoveries.flush,
        sleep,
        clock,
        metrics,
    )
    recoveries.when_waiting(keeping.prompt)
    source = SharedSource(
        replica,
        journal,
        published,
        leadership,
        recoveries,
        Lasting(
            "the journal",
            follower.listen,
            sleep,
            Random(),
            metrics,
            LONGEST_PAUSE_SECONDS,
        ),
        keeping,
        ground.spawn,
        sleep,
        metrics,
    )
    return source
