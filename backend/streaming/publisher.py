"""Tells the other processes of the leader's market."""

from collections.abc import Iterator, Mapping
from typing import Any

from backend import green
from backend.clock import Clock
from backend.journal.connection import RedisFailed
from backend.journal.redis_journal import RedisJournal
from backend.journal.redis_streams import (
    BESIDE,
    LEVELS,
    RECALLED,
    Fenced,
    Minutes,
    RedisStreams,
)
from backend.market.candles import CandleRow
from backend.market.market import Market
from backend.market.report import CLOSED, Reporter
from backend.streaming.published import Levels

# How often changes are told: real-time prices are promised within 250 ms, of which this is the
# first part.
PUBLISH_SECONDS = 0.1
# Where nothing changes, this is how often it is said that the market lives.
HEARTBEAT_SECONDS = 0.25
# How often a report holds everything, for those who come.
FULL_SECONDS = 2.0

# What a report says besides: whether everything is in it, whether it is time for a tick, and what
# of that which is kept beside the reports is new.
FULL, TICK = "full", "tick"


class Publisher:
    """Reports one market to the journal, in its term. Methods may raise `RedisFailed` and
    `Fenced`; what could not be told is told the next time."""

    def __init__(
        self, market: Market, streams: RedisStreams, journal: RedisJournal, clock: Clock
    ) -> None:
        self._market = market
        self._streams = streams
        self._journal = journal
        self._clock = clock
        self._reporter = Reporter(market)
        self._published_at = self._full_at = float("-inf")
        self._untold: dict[str, Any] = {}
        # A report that waits for Redis is not overtaken by another one.
        self._turn = green.Semaphore(1)

    def close(self) -> None:
        """Follow the market no more."""
        self._reporter.close()

    def begin_anew(self) -> None:
        """Redis knows nothing of the market."""
        self._reporter.rewrite_all()
        self._full_at = float("-inf")

    def recall(self, sentiments: list[dict[str, Any]]) -> None:
        """Have the sentiments of the past told, newest first."""
        self._untold[RECALLED] = sentiments

    def hold(self, levels: Levels) -> None:
        """Have the levels of all symbols told."""
        self._untold[LEVELS] = levels

    def publish(self, tick: bool = False) -> None:
        """Report what has changed, if it is time to. `tick` tells every process to send its
        clients their quotes now."""
        with self._turn:
            now = self._clock.monotonic()
            full = now - self._full_at >= FULL_SECONDS
            quiet = now - self._published_at < HEARTBEAT_SECONDS
            if full or tick or self._reporter.changed() or not quiet:
                self._report(full, tick)
                self._published_at = now
                if full:
                    self._full_at = now

    def _report(self, full: bool, tick: bool) -> None:
        fence, epoch = self._journal.term()
        beside = dict(self._untold)
        rewritten: dict[str, int] = {}
        closed: list[tuple[str, CandleRow]] = []
        try:
            for name, value in beside.items():
                self._streams.keep(fence, epoch, name, value)
            # Also what is rewritten meanwhile: a report's quotes and candles are of one source.
            while found := self._reporter.take_rewritten():
                for symbol, since_ms in found.items():
                    rewritten[symbol] = min(since_ms, rewritten.get(symbol, since_ms))
                self._streams.keep_candles(fence, epoch, self._minutes(found))
            report = self._reporter.report(full, rewritten)
            closed = report[CLOSED]
            told = {**report, FULL: full, TICK: tick, **{name: name in beside for name in BESIDE}}
            rows = [((self._market.source(symbol), symbol), row) for symbol, row in closed]
            self._streams.report(fence, epoch, told, rows)
        except (RedisFailed, Fenced):
            self._reporter.untold(rewritten, closed)
            raise
        self._reporter.told(report)
        for name, value in beside.items():
            if self._untold[name] is value:
                del self._untold[name]

    def _minutes(self, rewritten: Mapping[str, int]) -> Iterator[Minutes]:
        market = self._market
        for symbol, since_ms in rewritten.items():
            if market.carries(symbol):  # it may have gone while the others were kept
                series = market.source(symbol), symbol
                closed, until_ms = market.closed_candles(symbol), market.time_ms(symbol)
                yield Minutes(series, closed, since_ms, until_ms)
