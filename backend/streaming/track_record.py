"""Keeps what is said of each symbol, and what becomes of it, for whoever produces: one process."""

import logging
import math
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from backend import green
from backend.analysis.level_changes import NO_CHANGES, Changes, newest_of
from backend.analysis.track_record import QUARTER_MS, Notes, SymbolRecord
from backend.clock import DAY_MINUTES, MINUTE_MS, Clock
from backend.feeds.base import Feed
from backend.history.record_store import RecordStore, SymbolDay
from backend.market.market import Market
from backend.market.models import OPEN_TIME, CandleArray
from backend.metrics import Metrics
from backend.offload import Offload, Overloaded
from backend.storage.faults import StorageUnavailable
from backend.streaming.periodic import Periodic

logger = logging.getLogger(__name__)

# What is said is written after so long at most, and so much is lost when the process is killed;
# what closed minutes say of it is found out again.
LOOK_SECONDS = 5.0
# What was said of one symbol in a week, while the database is away.
HEARD_MAX = 10_000
# Minutes are repaired for as long as the market has them, a week, and a signal of the day before
# is judged by them.
KEPT_DAYS = 9
# Days of a symbol in one transaction: 20 ms.
DAYS_AT_ONCE = 40
# A year and a month, so that a record can be compared with the same season's; and a million
# signals, which 20 symbols say in four months: 30 MB on disk, and as much in each process.
RETENTION_DAYS = 400
SIGNALS_MAX = 1_000_000
FORGET_SECONDS = 3_600.0

# (source, symbol)
_Key = tuple[str, str]


class TrackRecord:
    """The record of the market's symbols, each under the source that it is of. `note` takes what is
    said, and what whoever says it finds that it would have said before; what becomes of it is read
    off the market each quarter of an hour, and again where minutes are repaired.
    """

    def __init__(
        self,
        market: Market,
        feed: Feed,
        store: RecordStore,
        offload: Offload,
        sleep: Callable[[float], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self._market = market
        self._store = store
        self._offload = offload
        self._sleep = sleep
        self._clock = clock
        self._metrics = metrics
        # What another run has left of a feed that begins anew.
        self._outdated = feed.name if feed.begins_anew else None
        self._records: dict[_Key, SymbolRecord] = {}
        self._heard: dict[_Key, Changes] = {}
        self._repaired_ms: dict[str, float] = {}
        self._judged: dict[_Key, int] = {}
        self._failing = False
        # What is looked at is not looked at by another as well.
        self._turn = green.Semaphore(1)
        self._version = 0
        self._forget_at = 0.0
        self._unsubscribe = market.on_history(self._note_repair)
        self._task = Periodic("record", LOOK_SECONDS, self.look, sleep, clock, metrics)

    def start(self, spawn: Callable[..., Any]) -> None:
        """Begin to keep, after the first moments, in which a first start's past is being loaded;
        `spawn(function, *arguments)` runs a background task."""
        if self._market.has_minutes:
            # Another process has led this run before, and what it has written stays.
            self._outdated = None
        spawn(self._begin)

    def stop(self) -> None:
        """Keep nothing more by itself."""
        self._task.stop()
        self._unsubscribe()

    def save_last(self) -> None:
        """Write what there is, as the process ends."""
        self.look()

    def note(self, source: str, symbol: str, changes: Changes) -> None:
        """Levels that were said of a source's candles, of each timeframe in order of time."""
        key = source, symbol
        self._heard[key] = newest_of(self._heard.get(key, NO_CHANGES), changes, HEARD_MAX)

    def look(self) -> bool:
        """Take in what is new, judge what can be, and write it; whether that could be done."""
        try:
            with self._turn:
                if self._outdated is not None:
                    self._offload.write_candles(self._store.clear, self._outdated)
                    self._outdated = None
                for symbol in self._market.symbols:
                    if self._market.carries(symbol):  # it may have gone since
                        self._follow(symbol)
                    self._sleep(0)
                self._go_on_with_others()
                self._write()
                self._forget()
        except (StorageUnavailable, Overloaded) as error:
            self._metrics.history_failures.labels("record").inc()
            if not self._failing:
                self._failing = True
                logger.warning("The track record can't be kept: %s; trying again", error)
            return False
        self._failing = False
        return True

    # --- within ---------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._sleep(LOOK_SECONDS)
        self._task.run()

    def _note_repair(self, symbol: str, since_ms: float) -> None:
        self._repaired_ms[symbol] = min(since_ms, self._repaired_ms.get(symbol, math.inf))

    def _follow(self, symbol: str) -> None:
        key = self._market.source(symbol), symbol
        record = self._record(key)
        if self._source(symbol) != key[0]:
            return  # it has gone over to another meanwhile, or altogether
        minutes, heard = self._market.closed_candles(symbol), self._heard.pop(key, NO_CHANGES)
        quarter = _end_ms(minutes) // QUARTER_MS
        # What was repaired while nobody looked is judged again, too.
        since_ms = self._repaired_ms.pop(symbol, math.inf if key in self._judged else 0)
        of_past = bool((heard["time_ms"] // QUARTER_MS < quarter).any())
        due = quarter != self._judged.get(key) or of_past or since_ms < math.inf
        if not (len(heard) or due):
            return
        try:
            # Of a week that is noted for the first time this takes 10 ms. Nobody else looks at it.
            self._offload.compute(_take_in, record, heard, minutes if due else None, since_ms)
        except Overloaded:
            since = self._heard.get(key, NO_CHANGES)
            self._heard[key] = newest_of(heard, since, HEARD_MAX)
            self._note_repair(symbol, since_ms)
            raise
        self._judged[key] = quarter

    def _go_on_with_others(self) -> None:
        """Take in what was said last of symbols that have gone over to another source."""
        for key in list(self._heard):
            if key[0] != self._source(key[1]):
                record = self._record(key)
                record.note(self._heard.pop(key, NO_CHANGES))

    def _record(self, key: _Key) -> SymbolRecord:
        if key not in self._records:
            notes = self._offload.read_candles(self._store.newest, *key, KEPT_DAYS)
            self._records[key] = SymbolRecord(notes)
        return self._records[key]

    def _write(self) -> None:
        """Write what has changed, and let go of what nothing will change any more."""
        for source in {source for source, _ in self._records}:
            changed = self._changed(source)
            while batch := dict(islice(changed, DAYS_AT_ONCE)):
                self._version = max(self._clock.now_ms(), self._version + 1)
                try:
                    self._offload.write_candles(self._store.write, source, batch, self._version)
                except (StorageUnavailable, Overloaded):
                    for symbol, day in batch:
                        self._records[source, symbol].mark((day,))
                    raise
        for key, record in list(self._records.items()):
            record.forget(record.newest_ms // MINUTE_MS // DAY_MINUTES - KEPT_DAYS)
            if key[0] != self._source(key[1]) and not record.days_changed:
                del self._records[key]
                self._judged.pop(key, None)

    def _source(self, symbol: str) -> str | None:
        """Of which source the market has a symbol; None where it does not carry it any more."""
        return self._market.source(symbol) if self._market.carries(symbol) else None

    def _changed(self, source: str) -> Iterator[tuple[SymbolDay, Notes]]:
        """One day after the other, each as it is when it is asked for."""
        for (other, symbol), record in list(self._records.items()):
            while other == source and (day := record.take_changed()) is not None:
                yield (symbol, day), record.of_day(day)

    def _forget(self) -> None:
        if self._clock.monotonic() < self._forget_at:
            return
        self._forget_at = self._clock.monotonic() + FORGET_SECONDS
        for source in {self._market.source(symbol) for symbol in self._market.symbols}:
            self._offload.write_candles(self._store.forget, source, RETENTION_DAYS, SIGNALS_MAX)


def _take_in(
    record: SymbolRecord,
    heard: Changes,
    minutes: CandleArray | None,
    since_ms: float,
) -> None:
    record.note(heard)
    if minutes is not None:
        record.judge(minutes, since_ms)


def _end_ms(minutes: CandleArray) -> int:
    """When the last of closed minutes (n, 7) ended; 0 without any."""
    return int(minutes[-1, OPEN_TIME]) + MINUTE_MS if len(minutes) else 0
