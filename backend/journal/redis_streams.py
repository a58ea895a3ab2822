"""What several processes share in Redis: what was said, what is reported of the market, and its
candles; written by whoever leads, and read by all.

Two streams: `market`, what the leader reports of its market, kept for seconds, and `said`, what may
be resumed, kept for hours.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import msgpack
import numpy as np

from backend.clock import DAY_MS
from backend.journal.connection import BLOCK_SECONDS, COMMAND_SECONDS, RedisFailed, connect
from backend.journal.journal import NotSaid
from backend.journal.log import KEPT, Entry
from backend.journal.redis_scripts import BEGIN, EPOCH, FENCE, KEEP, LAST, MARKET, REPORT, SAID, SAY
from backend.market.candles import CandleRow
from backend.market.models import CANDLE_COLUMNS, OPEN_TIME, CandleArray

# What is kept beside the streams, as it was told last: the sentiments that would have been said
# before anything was, and the levels of all symbols.
KEPT_BESIDE = "crs:{name}"
RECALLED, LEVELS = "recalled", "levels"
BESIDE = (RECALLED, LEVELS)
# The closed minutes of one source, symbol and day, row after row.
CANDLES = "crs:candles:{source}:{symbol}:{day}"

# Reports that are kept: half a minute and more of those that come each 100 ms, 2 MB with 20
# symbols. Whoever comes or was stopped finds a full one among them.
REPORTS_KEPT = 400
# Of these, those that whoever comes looks at: there is a full one every two seconds.
REPORTS_LOOKED_AT = 40
# A week of minutes is held; the day that it begins in, and some hours for clocks.
CANDLES_KEPT_DAYS = 9
CANDLES_KEPT_SECONDS = CANDLES_KEPT_DAYS * DAY_MS // 1000
# Entries that are read at once: 300 KB of what was said.
READ_AT_ONCE = 1_000

# Symbols of which all candles are sent or read in one go: a week of each is 560 KB.
SYMBOLS_AT_ONCE = 5

T = TypeVar("T")
# The name of a source, and a symbol.
Series = tuple[str, str]

_ROW_BYTES = 8 * CANDLE_COLUMNS


class Fenced(NotSaid):
    """Another process leads, or Redis has forgotten that this one does."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """An epoch's name, and the offset after which it begins."""

    name: str
    base: int

    @classmethod
    def read(cls, value: bytes) -> "Epoch":
        name, _, base = value.decode().rpartition(":")
        return cls(name, int(base))

    def __str__(self) -> str:
        return f"{self.name}:{self.base}"


@dataclass(frozen=True, slots=True)
class Heard:
    """Something that was read: an entry or a report, and the epoch that it is of."""

    epoch: Epoch
    entry: Entry | None = None
    report: dict[str, Any] | None = None


class Minutes(NamedTuple):
    """The closed minutes (n, 7) of a series, in order of time. They are all that there are from
    the day of `since_ms` to that of `until_ms`."""

    series: Series
    candles: CandleArray
    since_ms: int
    until_ms: int


class RedisStreams:
    """The journal's streams. Every method may raise `RedisFailed`; those that write raise `Fenced`
    where this process does not lead."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        # One that waits for news has a connection of its own.
        self._news = connect(url, BLOCK_SECONDS + COMMAND_SECONDS)
        script = self._redis.register_script
        self._say, self._report = script(SAY), script(REPORT)
        self._keep, self._begin = script(KEEP), script(BEGIN)

    def close(self) -> None:
        """Let go of the connections."""
        self._redis.close()
        self._news.close()

    # --- for the leader -------------------------------------------------------------------------

    def begin(self, fence: int, known: Epoch, last: int, new_name: str) -> tuple[Epoch, bool]:
        """Take up the present epoch, or begin another where what this process knows of the known
        one, up to offset `last`, is not there any more; whether it is another."""
        keys = [FENCE, EPOCH, LAST, SAID]
        epoch, another = self._call(self._begin, keys, [fence, str(known), last, new_name])
        return Epoch.read(epoch), bool(another)

    def say(self, fence: int, epoch: Epoch, event: str, topic: str | None, packed: bytes) -> int:
        """Append to what may be resumed; its offset."""
        arguments = [fence, str(epoch), event, topic or "", packed, KEPT]
        return int(self._call(self._say, [FENCE, EPOCH, LAST, SAID], arguments))

    def report(
        self,
        fence: int,
        epoch: Epoch,
        report: Mapping[str, Any],
        closed: Iterable[tuple[Series, CandleRow]],
    ) -> None:
        """Append a report, and to the candles the minutes (series, row) that it says have
        closed."""
        rows: dict[str, bytes] = {}
        for series, row in closed:
            key = _candles_key(series, int(row[OPEN_TIME]) // DAY_MS)
            rows[key] = rows.get(key, b"") + np.array(row).tobytes()
        packed = msgpack.packb(report)
        self._call(
            self._report,
            [FENCE, EPOCH, MARKET, *rows],
            [fence, str(epoch), packed, REPORTS_KEPT, CANDLES_KEPT_SECONDS, *rows.values()],
        )

    def keep_candles(self, fence: int, epoch: Epoch, changed: Iterable[Minutes]) -> None:
        """Put minutes in place of those of the same days. `changed` is asked for one after the
        other."""
        for together in _in_parts(changed):
            pipe = self._redis.pipeline(transaction=False)
            for series, candles, since_ms, until_ms in together:
                days = candles[:, OPEN_TIME] // DAY_MS
                last = until_ms // DAY_MS
                for day in range(max(since_ms // DAY_MS, last - CANDLES_KEPT_DAYS), last + 1):
                    rows = np.ascontiguousarray(candles[days == day]).tobytes()
                    keys = [FENCE, EPOCH, _candles_key(series, day)]
                    arguments = [fence, str(epoch), rows, CANDLES_KEPT_SECONDS]
                    self._keep(keys, arguments, client=pipe)
            self._call(lambda pipe=pipe: pipe.execute())

    def keep(self, fence: int, epoch: Epoch, name: str, value: Any) -> None:
        """Keep one of `BESIDE`."""
        packed = msgpack.packb(value)
        arguments = [fence, str(epoch), packed, CANDLES_KEPT_SECONDS]
        self._call(self._keep, [FENCE, EPOCH, KEPT_BESIDE.format(name=name)], arguments)

    def _call(self, script: Callable[..., Any], *args: list[Any]) -> Any:
        try:
            return script(*args)
        except RedisFailed as error:
            if "FENCED" in str(error):  # a pipeline says before that which command it was
                raise Fenced(str(error)) from error
            raise

    # --- for everybody --------------------------------------------------------------------------

    def epoch(self) -> Epoch | None:
        """The present epoch; None before anybody has led."""
        value = self._redis.get(EPOCH)
        return None if value is None else Epoch.read(value)

    def said(self, most: int = KEPT) -> list[Heard]:
        """What was said last, up to `most`, in order."""
        found: list[Heard] = []
        before = "+"
        while len(found) < most:
            page = self._redis.xrevrange(SAID, before, "-", count=min(READ_AT_ONCE, most))
            if not page:
                break
            found += (_heard_entry(*each) for each in page)
            before = f"({page[-1][0].decode()}"
        return found[::-1]

    def reports(self) -> tuple[list[Heard], str]:
        """The newest reports, in order, and where to read on."""
        page = self._redis.xrevrange(MARKET, count=REPORTS_LOOKED_AT)[::-1]
        last = page[-1][0].decode() if page else "0-0"
        return [_heard_report(*each) for each in page], last

    def tail(self) -> tuple[str, int]:
        """The places of the newest report and of what was said last."""
        newest = self._redis.xrevrange(MARKET, count=1)
        return newest[0][0].decode() if newest else "0-0", int(self._redis.get(LAST) or 0)

    def candles(
        self, wanted: Mapping[Series, Iterable[int]]
    ) -> Iterator[tuple[Series, CandleArray]]:
        """The closed minutes (n, 7), in order, of each series on these days (since the epoch)."""
        for together in _in_parts(wanted.items()):
            pipe = self._redis.pipeline(transaction=False)
            for series, days in together:
                pipe.mget([_candles_key(series, day) for day in days])
            for (series, _), found in zip(together, pipe.execute(), strict=True):
                rows = b"".join(value for value in found if value is not None)
                whole = len(rows) - len(rows) % _ROW_BYTES
                yield series, np.frombuffer(rows[:whole]).reshape(-1, CANDLE_COLUMNS)

    def kept(self, name: str) -> Any:
        """One of `BESIDE`; None where it was never told."""
        packed = self._redis.get(KEPT_BESIDE.format(name=name))
        return None if packed is None else msgpack.unpackb(packed)

    def news(self, market: str, said: int) -> tuple[list[Heard], str]:
        """What was said after an offset and reported after a place, in this order, and the place
        to read on from; waits for it up to `BLOCK_SECONDS`."""
        streams = self._news.xread(
            {SAID: f"{said}-0", MARKET: market},
            count=READ_AT_ONCE,
            block=round(BLOCK_SECONDS * 1000),
        )
        heard: list[Heard] = []
        for name, page in streams or ():
            if name.decode() == SAID:
                heard += (_heard_entry(*each) for each in page)
            else:
                heard += (_heard_report(*each) for each in page)
                market = page[-1][0].decode()
        return heard, market


def _in_parts(symbols: Iterable[T]) -> Iterator[list[T]]:
    """What is sent to Redis, or asked of it, at once."""
    rest = iter(symbols)
    while part := list(itertools.islice(rest, SYMBOLS_AT_ONCE)):
        yield part


def _candles_key(series: Series, day: int) -> str:
    source, symbol = series
    return CANDLES.format(source=source, symbol=symbol, day=day)


def _heard_entry(ident: bytes, told: Mapping[bytes, bytes]) -> Heard:
    offset = int(ident.partition(b"-")[0])
    topic = told[b"topic"].decode() or None
    entry = Entry(offset, told[b"event"].decode(), topic, told[b"packed"])
    return Heard(Epoch.read(told[b"epoch"]), entry=entry)


def _heard_report(_ident: bytes, told: Mapping[bytes, bytes]) -> Heard:
    return Heard(Epoch.read(told[b"epoch"]), report=msgpack.unpackb(told[b"report"]))
