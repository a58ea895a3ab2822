"""Keeps the candles of one market in the database, for whoever produces: one process of all."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from backend.clock import DAY_MS, Clock
from backend.feeds.base import Feed
from backend.history.archive import Archive
from backend.history.deep import DeepHistory
from backend.history.earlier import EarlierCandles
from backend.history.looks import Looks
from backend.history.remembered import Remembered
from backend.history.unwritten import Unwritten
from backend.market.market import Market
from backend.market.models import OPEN_TIME
from backend.metrics import Metrics
from backend.offload import Offload, Overloaded
from backend.storage.faults import StorageUnavailable
from backend.streaming.periodic import supervise

logger = logging.getLogger(__name__)

# Minutes of several symbols close within two seconds; they are written together. This is also what
# is lost at most when the process is killed, and a feed brings it again at the next start.
GATHER_S = 0.5
# While a recording is played at thousands of times its pace: the market keeps a week, so no minute
# may be longer in coming than that.
HURRY_S = 0.02
HURRIED_MS = DAY_MS
# After a failure; the market keeps what has to be written for a week.
RETRY_S = 2.0
# What is written once more at a start: whoever led before may have ended in the midst of a repair.
REPEATED_MS = DAY_MS
# How often candles that are too old are deleted.
RETENTION_S = 3_600.0


class History:
    """Writes what closes, and what is repaired, in batches off the hub; `start` first loads what
    was stored before into the market. Of two processes only one may be started at a time.

    The candles of each source are stored under its own name. Whatever is to be written is in the
    market, and so a database that is away for days costs nothing.
    """

    def __init__(
        self,
        market: Market,
        feed: Feed,
        archive: Archive,
        offload: Offload,
        kept_days: Mapping[str, float],
        looks: Looks,
        sleep: Callable[[float], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        """`feed` is the market's; `kept_days` by interval, those that it does not name for ever."""
        self._market = market
        self._feed = feed
        self._archive = archive
        self._offload = offload
        self._kept_days = kept_days
        self._sleep = sleep
        self._clock = clock
        self._metrics = metrics
        self._deep = DeepHistory(feed, market, archive, offload, looks, sleep, clock, metrics)
        self._remembered = Remembered(archive, offload, metrics)
        self._unwritten = Unwritten(market)
        self._stopped = False
        # Whether what another run has left is gone, where each begins anew.
        self._cleared = False
        self._failing = False
        self._forget_at = 0.0

    def start(self, spawn: Callable[..., Any]) -> None:
        """Load the past into the market, then begin to write; before the feed runs.

        `spawn(function, *arguments)` runs a background task. Where the database can't be read the
        market begins without a past, as with an empty one.
        """
        if not self._feed.begins_anew:
            self.restore(self._market.symbols)
        elif self._market.has_minutes:
            self._take_over()
        else:
            self.flush()  # which clears what another run has left
        self._unwritten.follow()
        for name, run in (("history", self._run), ("past", self._deep.run)):
            spawn(supervise, name, run, lambda: self._stopped, self._sleep, self._metrics)

    def restore(self, symbols: Iterable[str]) -> None:
        """Load what is stored of symbols into the market, before the feed follows them; those that
        go meanwhile are left out. May wait."""
        if self._feed.begins_anew:
            return
        market, wanted = self._market, tuple(symbols)
        for source in self._feed.sources:
            ours = [
                name for name in wanted if market.carries(name) and market.source(name) == source
            ]
            for symbol, stored in self._remembered.minutes(source, ours):
                if not market.carries(symbol):
                    continue
                held = market.closed_candles(symbol)
                if len(held):
                    # Whoever took over has them newer than they were written.
                    stored = stored[stored[:, OPEN_TIME] < held[0, OPEN_TIME]]
                    self._unwritten.note(symbol, int(held[-1, OPEN_TIME]) - REPEATED_MS)
                if len(stored):
                    market.load_history(symbol, stored)
                self._sleep(0)

    def stop(self) -> None:
        """Write no more; `flush` before that what is still to be written."""
        self._stopped = True
        self._deep.stop()
        self._unwritten.close()

    def earlier_candles(self) -> EarlierCandles:
        """The candles from before the market's, of which there are more with each page."""
        return EarlierCandles(
            self._market.source, self._archive, self._offload, self._deep, self._clock
        )

    def flush(self) -> bool:
        """Write what there is; whether that could be done."""
        if self._feed.begins_anew and not self._cleared:
            try:
                self._offload.write_candles(self._archive.clear, self._feed.name)
            except (StorageUnavailable, Overloaded) as error:
                self._failed(error)
                return False
            self._cleared = True
        while self._unwritten:
            batch = self._unwritten.take()
            try:
                self._offload.write_candles(
                    self._archive.write_minutes,
                    batch.source,
                    batch.minutes,
                    self._feed.sources[batch.source],
                    self._feed.begins_anew,
                )
            except (StorageUnavailable, Overloaded) as error:
                self._unwritten.put_back(batch)
                self._failed(error)
                return False
            self._failing = False
            self._metrics.candles_stored.inc(sum(map(len, batch.minutes.values())))
        return True

    # --- within ---------------------------------------------------------------------------------

    def _take_over(self) -> None:
        """Go on with the run of a process that led before, of which the market was told. What it
        stored is kept, since the market has no more than a week of it."""
        self._cleared = True
        for symbol in self._market.symbols:
            held = self._market.closed_candles(symbol)
            if len(held):
                # It may have ended before it had written the last of them.
                self._unwritten.note(symbol, int(held[0, OPEN_TIME]))

    def _run(self) -> None:
        pause, reached_ms = HURRY_S, 0
        while not self._stopped:
            if not self.flush():
                pause = RETRY_S
            elif self._clock.monotonic() >= self._forget_at:
                self._forget_at = self._clock.monotonic() + RETENTION_S
                self._forget()
            self._sleep(pause)
            newest_ms = self._market.newest_ms
            pause = HURRY_S if newest_ms - reached_ms > HURRIED_MS else GATHER_S
            reached_ms = newest_ms

    def _forget(self) -> None:
        newest_ms = self._market.newest_ms
        for interval, days in self._kept_days.items():
            before_ms = newest_ms - round(days * DAY_MS)
            if before_ms > 0:
                for source in self._feed.sources:
                    self._offload.write_candles(self._archive.forget, source, interval, before_ms)

    def _failed(self, error: Exception) -> None:
        self._metrics.history_failures.labels("writing").inc()
        if not self._failing:
            self._failing = True
            logger.warning("Candles can't be written: %s; trying again, nothing is lost", error)
