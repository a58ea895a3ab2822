"""One process of several runs the feed and the analysis, and another takes over when it is gone."""

import logging
from collections.abc import Callable
from typing import Any

from backend.clock import Clock, wait_until
from backend.journal.connection import RedisFailed
from backend.journal.lease import LOOK_SECONDS, RENEW_SECONDS, Lease
from backend.journal.memory import new_epoch
from backend.journal.redis_journal import RedisJournal
from backend.journal.redis_streams import Fenced, RedisStreams
from backend.market.market import Market
from backend.market.replica import Replica
from backend.market.roster import Roster
from backend.metrics import Metrics
from backend.streaming.desk import Desk
from backend.streaming.follower import Follower
from backend.streaming.periodic import Periodic, supervise
from backend.streaming.producer import Producer
from backend.streaming.publisher import PUBLISH_SECONDS, Publisher

logger = logging.getLogger(__name__)

# Whoever takes over first reads all that the one before has said; it is read within milliseconds.
CATCH_UP_SECONDS = 2.0


class _Term:
    """A time of leading: a market of its own, fed by the feed, read by the analysis, and told of
    to everybody."""

    def __init__(self, desk: Desk, publisher: Publisher, producer: Producer):
        self.desk = desk
        self.publisher = publisher
        self.producer = producer
        self.over = False
        self.publishing: Periodic | None = None

    def end(self) -> None:
        self.over = True
        self.desk.feed.stop()
        self.desk.stop()
        self.desk.analyst.close()
        self.publisher.close()
        if self.publishing is not None:
            self.publishing.stop()


class Leadership:
    """Leads when nobody else does. Implements `Production`.

    While Redis is out of reach the term goes on, unheard: when it is back, and nobody else has
    come first, nothing that the feed brought is missing.
    """

    def __init__(
        self,
        lease: Lease,
        streams: RedisStreams,
        journal: RedisJournal,
        replica: Replica,
        follower: Follower,
        roster: Roster,
        new_market: Callable[[], Market],
        new_desk: Callable[[Market], Desk],
        spawn: Callable[..., Any],
        sleep: Callable[[float], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """`spawn(function, *arguments)` runs a background task."""
        self._lease = lease
        self._streams = streams
        self._journal = journal
        self._replica = replica
        self._follower = follower
        self._roster = roster
        self._new_market = new_market
        self._new_desk = new_desk
        self._spawn = spawn
        self._sleep = sleep
        self._clock = clock
        self._metrics = metrics
        self._term: _Term | None = None
        self._stopped = False

    @property
    def leads(self) -> bool:
        """Whether this process does, as far as it knows."""
        return self._term is not None

    @property
    def producer(self) -> Producer | None:
        # While nothing can be said nothing is read for it: it would be said late.
        if self._term is None or self._replica.silent:
            return None
        return self._term.producer

    def follow(self, symbol: str) -> None:
        """A symbol is served from now on."""
        if self._term is not None:
            self._term.desk.follow(symbol)

    def unfollow(self, symbol: str) -> None:
        """A symbol is not served any more."""
        if self._term is not None:
            self._term.desk.unfollow(symbol)

    def tick(self, send: Callable[[], None]) -> None:
        """Have every process send; where none of them says so, this one sends what it has, which
        says of itself that it is stale."""
        if self._term is not None:
            self._publish(tick=True)
        if self._replica.silent:
            send()

    def run(self) -> None:
        """Lead, or wait for the place, until `stop`; the body of a background task."""
        while not self._stopped:
            try:
                self._look()
            except (RedisFailed, Fenced):
                self._metrics.redis_failures.labels("lease").inc()
            self._metrics.leads.set(self.leads)
            self._sleep(RENEW_SECONDS if self.leads else LOOK_SECONDS)

    def stop(self) -> None:
        """Give the place back, so that the next one need not wait for it."""
        self._stopped = True
        if self._term is None:
            return
        self._publish()
        self._term.desk.history.flush()
        self._term.desk.save_last()
        self._end("this process ends")
        try:
            self._lease.release()
        except RedisFailed as error:
            logger.warning("The lease was not given back: %s", type(error).__name__)

    def _look(self) -> None:
        term = self._term
        if term is None:
            # While reports come somebody leads; who has not read what there is has nothing to go
            # on from.
            vacant = self._follower.begun and self._replica.unheard_s > LOOK_SECONDS
            if vacant and (fence := self._lease.acquire()):
                self._lead(fence)
            return
        fence, _ = self._journal.term()
        if not self._lease.renew(fence):
            taken = self._lease.acquire()
            if taken is None:
                self._end("another process leads")
            else:
                self._take_up(taken, term.publisher)

    def _lead(self, fence: int) -> None:
        wait_until(self._has_read_all, CATCH_UP_SECONDS, PUBLISH_SECONDS, self._sleep)
        market = self._new_market()
        # Before the market has anything: of symbols that are of another source now it tells anew.
        publisher = Publisher(market, self._streams, self._journal, self._clock)
        self._replica.succeed(market, lambda: self._sleep(0))
        desk = self._new_desk(market)
        producer = Producer(
            desk.analyst, self._journal, publisher.recall, publisher.hold, self._clock
        )
        self._take_up(fence, publisher)
        if self._stopped:
            publisher.close()
            return
        term = self._term = _Term(desk, publisher, producer)
        self._catch_up(desk)
        term.publishing = Periodic(
            "publish", PUBLISH_SECONDS, self._publish, self._sleep, self._clock, self._metrics
        )
        logger.info("This process leads, in term %d", fence)
        desk.start()
        self._spawn(supervise, "feed", desk.feed.run, lambda: term.over, self._sleep, self._metrics)
        # A feed that has its history at once has it now, so that the first report is whole.
        self._sleep(0)
        self._spawn(term.publishing.run)

    def _catch_up(self, desk: Desk) -> None:
        """Symbols may have come and gone while the term was prepared."""
        for symbol in desk.market.symbols:
            if symbol not in self._roster:
                desk.unfollow(symbol)
        for symbol in self._roster:
            desk.follow(symbol)

    def _take_up(self, fence: int, publisher: Publisher) -> None:
        """Go on in the present epoch, or in another where Redis has lost something."""
        epoch, another = self._streams.begin(
            fence, self._journal.epoch, self._journal.log.last, new_epoch()
        )
        self._journal.lead(fence, epoch)
        if another:
            publisher.begin_anew()

    def _has_read_all(self) -> bool:
        reports, last = self._streams.tail()
        return self._follower.caught_up(reports) and self._journal.log.last >= last

    def _publish(self, tick: bool = False) -> None:
        if self._term is None:
            return
        try:
            self._term.publisher.publish(tick)
        except Fenced:
            # Whether the place is another's is found out where it is looked after.
            self._metrics.redis_failures.labels("fenced").inc()
        except RedisFailed:
            self._metrics.redis_failures.labels("publishing").inc()

    def _end(self, why: str) -> None:
        if self._term is not None:
            logger.info("This process leads no more: %s", why)
            self._term.end()
            self._term = None
            self._journal.follow()
