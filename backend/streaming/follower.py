"""Reads the journal: keeps this process's market and log as everybody's are."""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from backend.clock import DAY_MS
from backend.journal.connection import RedisFailed
from backend.journal.redis_journal import RedisJournal
from backend.journal.redis_streams import REPORTS_KEPT, START, Heard, RedisStreams
from backend.market.models import OPEN_TIME
from backend.market.replica import Replica
from backend.market.report import CLOSED, NAMES, QUOTES, REWRITTEN
from backend.metrics import Metrics
from backend.streaming.publisher import FULL, TICK

logger = logging.getLogger(__name__)

# A week of minutes is held; it touches eight days.
CANDLE_DAYS = 8
# Redis is asked again after this long at most: everything is to be whole within seconds of its
# return.
LONGEST_PAUSE_SECONDS = 0.25


class Follower:
    """The one reader of a process. `listen` is for a background task that lasts."""

    def __init__(
        self,
        streams: RedisStreams,
        journal: RedisJournal,
        replica: Replica,
        tick: Callable[[], None],
        beside: Mapping[str, Callable[[Any], None]],
        sleep: Callable[[float], None],
        metrics: Metrics,
    ) -> None:
        """`tick` is called when all processes send their clients the quotes, those of `beside` with
        what is kept beside the reports under that name, when it is new."""
        self._streams = streams
        self._journal = journal
        self._replica = replica
        self._tick = tick
        self._beside = beside
        self._sleep = sleep
        self._metrics = metrics
        # Behind the last report that was taken in.
        self._place = START
        # Whether everything that there is has been read once, and whether that was a whole market.
        self.begun = self._whole = False
        # The symbols whose closed minutes have been read; of others all of them are wanted.
        self._known: set[str] = set()

    def listen(self) -> None:
        """Read what is new, or wait a little for it; the first time, all that there is. May raise
        `RedisFailed`."""
        try:
            if not self.begun:
                self._begin()
            self._read()
        except RedisFailed:
            self._metrics.redis_failures.labels("reading").inc()
            raise

    def caught_up(self, place: str) -> bool:
        """Whether the reports up to `place` have been read."""
        return _parts(self._place) >= _parts(place)

    def _begin(self) -> None:
        epoch = self._streams.epoch()
        if epoch is not None:
            entries = [heard.entry for heard in self._streams.said() if heard.epoch == epoch]
            self._journal.begin(epoch, [entry for entry in entries if entry is not None])
            self._take_beside(self._beside)
            self._hear(self._streams.reports())
        self.begun = True

    def _read(self) -> None:
        heard = self._streams.news(self._place, self._journal.log.last)
        if sum(each.report is not None for each in heard) >= REPORTS_KEPT:
            # Others may have gone before they were read, and with them minutes that they closed.
            self._known.clear()
        self._hear(heard)

    def _hear(self, batch: list[Heard]) -> None:
        """Take in what was read; what is not, since Redis failed on the way, is read again."""
        # After a pause of this process several ticks may have come at once; the last one says all.
        ticks = [heard for heard in batch if heard.report is not None and heard.report[TICK]]
        for heard in batch:
            if heard.epoch != self._journal.epoch and heard.epoch == self._streams.epoch():
                logger.warning("The journal has lost something; another epoch begins")
                self._journal.begin(heard.epoch)
            is_present = heard.epoch == self._journal.epoch  # else left over from one that is over
            if heard.entry is not None and is_present:
                self._journal.take(heard.entry)
            elif heard.report is not None:
                if is_present:
                    self._take_in(heard.report, heard.place)
                self._place = heard.place
                if is_present and heard.report[TICK]:
                    # Before what came after it, or others would have sent other quotes.
                    self._send(last=heard is ticks[-1])

    def _send(self, last: bool) -> None:
        """It is time for a tick, the last one that has come or another."""
        if last:
            self._tick()
        elif self.begun:
            self._metrics.ticks_left_out.inc()

    def _take_in(self, report: dict[str, Any], place: str) -> None:
        try:
            self._apply(report)
        except RedisFailed:
            raise  # of what it was to be read with: it is taken in when Redis is back
        except Exception:
            self._place = place  # it would fail again
            raise

    def _apply(self, report: dict[str, Any]) -> None:
        if not self._whole and not report[FULL]:
            return
        self._known.intersection_update(self._replica.symbols)
        told = [symbol for symbol in self._replica.symbols if symbol in report[QUOTES]]
        new = [symbol for symbol in told if symbol not in self._known]
        rewritten = report[REWRITTEN].items()
        since_ms = {symbol: since for symbol, since in rewritten if symbol in self._known}
        for symbol, row in report[CLOSED]:
            # Read with them what has closed before, which would come too late afterwards.
            if symbol in since_ms:
                since_ms[symbol] = min(since_ms[symbol], int(row[OPEN_TIME]))
        self._load_candles(report, {**since_ms, **dict.fromkeys(new, 0)})
        self._known.update(new)
        self._whole = True
        self._replica.apply(report)
        # A leader of another version may know less of it.
        self._take_beside(name for name in self._beside if report.get(name))

    def _take_beside(self, names: Iterable[str]) -> None:
        for name in names:
            value = self._streams.kept(name)
            if value is not None:
                self._beside[name](value)

    def _load_candles(self, report: dict[str, Any], since_ms: Mapping[str, int]) -> None:
        """Read closed minutes of these symbols from these times on."""
        wanted = {}
        for symbol, since in since_ms.items():
            if not self._replica.carries(symbol):
                continue
            newest_ms = self._newest_ms(report, symbol)
            newest = newest_ms // DAY_MS
            days = range(max(since // DAY_MS, newest - CANDLE_DAYS + 1), newest + 1)
            wanted[self._source(report, symbol), symbol] = days
        for (source, symbol), candles in self._streams.candles(wanted):
            if not self._replica.carries(symbol):
                continue  # it has gone meanwhile
            # What closed after this report is told of by later ones.
            known = candles[candles[:, OPEN_TIME] <= self._newest_ms(report, symbol)]
            if since_ms[symbol] == 0:
                self._replica.replace_history(symbol, source, known)
            else:
                self._replica.load_history(symbol, known)
            self._sleep(0)

    def _newest_ms(self, report: dict[str, Any], symbol: str) -> int:
        return int(_told(report, symbol, "time_ms", self._replica.time_ms(symbol)))

    def _source(self, report: dict[str, Any], symbol: str) -> str:
        return str(_told(report, symbol, "source", self._replica.source(symbol)))


def _told(report: dict[str, Any], symbol: str, name: str, otherwise: Any) -> Any:
    """A field of the symbol's quote, where the report has one."""
    values = report[QUOTES].get(symbol)
    return otherwise if values is None else values[report[NAMES].index(name)]


def _parts(place: str) -> tuple[int, int]:
    milliseconds, _, number = place.partition("-")
    return int(milliseconds), int(number)
