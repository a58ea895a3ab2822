"""A sink that writes down what a feed says, in the format of `recording`."""

import gzip
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

from backend.feeds.recording import (
    ClosedCandle,
    History,
    MarketEvent,
    Touch,
    encode_event,
    encode_header,
    encode_note,
)
from backend.market.candles import empty_candles
from backend.market.models import (
    BookTop,
    Candle,
    CandleArray,
    DayStatistics,
    FeedFacts,
    FeedState,
    Trade,
)

# What a crash may cost at most; flushing a gzip file more often would swell it.
FLUSH_EVERY_S = 1.0


class RecordingSink:
    """Implements `MarketSink` by a line an event. A context manager; writes to disk as it is told.

    A path that ends in `.gz` is compressed. Raises FileExistsError rather than write over a file.
    What was flushed (every second, and at the end) can be read whatever happens then.
    """

    def __init__(
        self,
        path: Path,
        feed: str,
        symbols: Sequence[str],
        wall_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        opener: Callable[[Path, str], object] = gzip.open if path.suffix == ".gz" else open
        self._file = cast(BinaryIO, opener(path, "xb"))
        self._wall_ns = wall_ns
        # A feed may speak from several threads.
        self._lock = threading.Lock()
        self._flushed_ns = 0
        self.events = 0  # that are in the file
        self._write(encode_header(feed, symbols))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Write what is left and close the file; what is said later is not recorded."""
        with self._lock:
            self._file.close()

    def apply_trade(self, trade: Trade) -> None:
        self._record(trade)

    def apply_candle(self, symbol: str, candle: Candle) -> None:
        self._record(ClosedCandle(symbol, candle))

    def apply_statistics(self, statistics: DayStatistics) -> None:
        self._record(statistics)

    def apply_book(self, book: BookTop) -> None:
        self._record(book)

    def load_history(self, symbol: str, candles: CandleArray) -> None:
        self._record(History(symbol, candles))

    def touch(self, symbol: str | None = None, time_ms: int | None = None) -> None:
        self._record(Touch(symbol, time_ms))

    def set_feed_state(self, state: FeedState, detail: str = "") -> None:
        self._write(encode_note({"state": state, "detail": detail}))

    def describe_feed(self, facts: FeedFacts) -> None:
        self._write(encode_note({"unlisted": facts.unlisted}))

    def quote(self, symbol: str) -> None:
        """Nothing is known before: a recording begins anew."""

    def closed_candles(self, symbol: str, limit: int | None = None) -> CandleArray:
        """None, likewise."""
        return empty_candles()

    def _record(self, event: MarketEvent) -> None:
        self._write(encode_event(event), events=1)

    def _write(self, encoded: bytes, events: int = 0) -> None:
        with self._lock:
            if self._file.closed:
                return
            now_ns = self._wall_ns()
            self._file.write(b"%d %s\n" % (now_ns, encoded))
            self.events += events
            if now_ns - self._flushed_ns >= FLUSH_EVERY_S * 1e9:
                self._flushed_ns = now_ns
                self._file.flush()
