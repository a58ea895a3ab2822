"""Keeps the candles of one market in the database, for whoever produces: one process of all."""

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from backend.clock import DAY_MS, Clock
from backend.feeds.base import Feed
from backend.history.archive import Archive
from backend.history.deep import DeepHistory
from backend.history.earlier import EarlierCandles
from backend.history.looks import Looks
from backend.market.candles import BASE_INTERVAL, MINUTES_KEPT
from backend.market.market import Market
from backend.market.models import OPEN_TIME, Candle, CandleArray
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
# Symbols in one transaction, and minutes, of which the last symbol may bring a week's more: 20 to
# 40 ms, for which a login may have to wait where the database is SQLite.
SYMBOLS_AT_ONCE = 20
MINUTES_AT_ONCE = 5_000
# After a failure; the market keeps what has to be written for a week.
RETRY_S = 2.0
# What is written once more at a start: whoever led before may have ended in the midst of a repair.
REPEATED_MS = DAY_MS
# How often candles that are too old are deleted.
RETENTION_S = 3_600.0


class History:
    """Writes what closes, and what is repaired, in batches off the hub; `start` first loads what
    was stored before into the market. Of two processes only one may be started at a time.

    Whatever is to be written is known by the time from which on a symbol is: the candles
    themselves are in the market, and so a database that is away for days costs nothing.
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
        self._source = feed.name
        self._archive = archive
        self._offload = offload
        self._kept_days = kept_days
        self._sleep = sleep
        self._clock = clock
        self._metrics = metrics
        self._deep = DeepHistory(feed, market, archive, offload, looks, sleep, clock, metrics)
        self._since: dict[str, int] = {}
        self._unsubscribe: list[Callable[[], None]] = []
        self._stopped = False
        self._cleared = False
        self._failing = False
        self._forget_at = 0.0

    def start(self, spawn: Callable[..., Any]) -> None:
        """Load the past into the market, then begin to write; before the feed runs.

        `spawn(function, *arguments)` runs a background task. Where the database can't be read the
        market begins without a past, as with an empty one. Candles of a feed of several sources are
        not kept: they are those of whoever leads, and what is kept is of one.
        """
        if not self._feed.one_source:
            return
        if self._feed.begins_anew:
            self.flush()  # which clears what another run has left
        else:
            for symbol in self._market.symbols:
                if not self.restore(symbol):
                    break  # nor can the others
        self._unsubscribe = [
            self._market.on_candle(self._note_candle),
            self._market.on_history(self._note),
        ]
        for name, run in (("history", self._run), ("past", self._deep.run)):
            spawn(supervise, name, run, lambda: self._stopped, self._sleep, self._metrics)

    def restore(self, symbol: str) -> bool:
        """Load what is stored of a symbol into the market, before the feed follows it; False where
        the database can't be read. May wait."""
        if not self._feed.one_source or self._feed.begins_anew:
            return True
        try:
            stored = self._offload.read_candles(
                self._archive.read, self._source, symbol, BASE_INTERVAL, MINUTES_KEPT
            )
        except (StorageUnavailable, Overloaded) as error:
            logger.warning("The candles of before can't be read: %s; going on without", error)
            self._metrics.history_failures.labels("restoring").inc()
            return False
        if self._market.carries(symbol):  # it may have gone meanwhile
            held = self._market.closed_candles(symbol)
            if len(held):
                # Whoever took over has them newer than they were written.
                stored = stored[stored[:, OPEN_TIME] < held[0, OPEN_TIME]]
                self._note(symbol, int(held[-1, OPEN_TIME]) - REPEATED_MS)
            if len(stored):
                self._market.load_history(symbol, stored)
                if not len(held):
                    self._since.pop(symbol, None)  # it need not be written again
        self._sleep(0)
        return True

    def stop(self) -> None:
        """Write no more; `flush` before that what is still to be written."""
        self._stopped = True
        self._deep.stop()
        for unsubscribe in self._unsubscribe:
            unsubscribe()

    def earlier_candles(self) -> EarlierCandles:
        """The candles from before the market's, of which there are more with each page."""
        pages, clock = self._deep.pages, self._clock
        return EarlierCandles(self._source, self._archive, self._offload, pages, clock)

    def flush(self) -> bool:
        """Write what there is; whether that could be done."""
        if self._feed.begins_anew and not self._cleared:
            try:
                self._offload.write_candles(self._archive.clear, self._source)
            except (StorageUnavailable, Overloaded) as error:
                self._failed(error)
                return False
            self._cleared = True
        while self._since:
            taken, minutes = self._take()
            began = self._clock.monotonic()
            try:
                self._offload.write_candles(
                    self._archive.write_minutes,
                    self._source,
                    minutes,
                    self._feed.past_intervals,
                    self._feed.begins_anew,
                )
            except (StorageUnavailable, Overloaded) as error:
                for symbol, since in taken.items():
                    self._note(symbol, since)
                self._failed(error)
                return False
            self._failing = False
            self._metrics.candles_stored.inc(sum(map(len, minutes.values())))
            if self._since:
                # Whoever else writes has its turn between two of many transactions.
                self._sleep(self._clock.monotonic() - began)
        return True

    # --- within ---------------------------------------------------------------------------------

    def _note_candle(self, symbol: str, candle: Candle) -> None:
        self._since.setdefault(symbol, candle.open_time_ms)

    def _note(self, symbol: str, since_ms: int) -> None:
        self._since[symbol] = min(since_ms, self._since.get(symbol, since_ms))

    def _take(self) -> tuple[dict[str, int], dict[str, CandleArray]]:
        """What is to be written next, by symbol: since when, and the minutes from there on."""
        taken: dict[str, int] = {}
        minutes: dict[str, CandleArray] = {}
        while (
            self._since
            and len(taken) < SYMBOLS_AT_ONCE
            and sum(map(len, minutes.values())) < MINUTES_AT_ONCE
        ):
            symbol = next(iter(self._since))
            since_ms = self._since.pop(symbol)
            if not self._market.carries(symbol):
                continue
            taken[symbol] = since_ms
            rows = self._rows(symbol, taken[symbol])
            if len(rows):
                minutes[symbol] = rows
        return taken, minutes

    def _rows(self, symbol: str, since_ms: int) -> CandleArray:
        closed = self._market.closed_candles(symbol)
        rows: CandleArray = closed[int(np.searchsorted(closed[:, OPEN_TIME], since_ms)) :]
        return rows

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
                self._offload.write_candles(self._archive.forget, self._source, interval, before_ms)

    def _failed(self, error: Exception) -> None:
        self._metrics.history_failures.labels("writing").inc()
        if not self._failing:
            self._failing = True
            logger.warning("Candles can't be written: %s; trying again, nothing is lost", error)
