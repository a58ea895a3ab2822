"""Reading recordings: files as streams of timed events, merged on time, in bounded memory.

A file is a candle CSV (`open_time_ms,open,high,low,close,volume[,quote_volume]`, the symbol
leading its name), lines of raw exchange frames, or a recording of our own; gzip or not.
"""

import gzip
import heapq
import logging
import re
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from backend.clock import MINUTE_MS
from backend.feeds.recording import ClosedCandle, MarketEvent, decode_events, is_header
from backend.market.models import Candle

# The longest honest line is a week of one-minute history: about 1 MB.
LINE_MAX_BYTES = 8 * 2**20
# Where a file of a directory begins in time is looked for in so many of its lines.
BEGIN_LINES = 100
# Which symbols frames are of is looked for in so many of them: each has one in a second or two.
SYMBOL_LINES = 10_000
# Where a recording ends is found by reading all of it, in 0.1 s a megabyte of gzip; of a larger one
# it is not known until it ends.
SPAN_MAX_BYTES = 8 * 2**20

CSV_COLUMNS = ["open_time_ms", "open", "high", "low", "close", "volume", "quote_volume"]
QUOTE_ASSETS = ("USDT", "USDC", "BUSD", "FDUSD", "USD")

BAD_LINE = "bad_line"
LONG_LINE = "long_line"
UNREADABLE = "unreadable_file"

logger = logging.getLogger(__name__)


class TimedEvent(NamedTuple):
    """An event and the instant, in ms, at which playing it is due.

    None stands for a line without one, so that whoever plays can give others their turn; its
    instant only keeps it in its place.
    """

    due_ms: float
    event: MarketEvent | None


class Skipped:
    """Counts what could not be read, by kind, and logs the first of each unless `quiet`."""

    def __init__(self, quiet: bool = False) -> None:
        self.counts: Counter[str] = Counter()
        self._quiet = quiet

    def add(self, kind: str, path: Path, detail: object) -> None:
        self.counts[kind] += 1
        if self.counts[kind] == 1 and not self._quiet:
            logger.warning("%s in %s: %s; counted, logged once", kind, path.name, str(detail)[:200])


def symbol_of_file(path: Path) -> str:
    """`BTC-USDT-1m-2021.csv.gz`, `BTCUSDT-1m.csv`, `BTC.csv`: BTC."""
    first, *rest = re.split(r"[-_.]", path.name.upper())
    if rest and rest[0] in QUOTE_ASSETS:
        return first
    for quote_asset in QUOTE_ASSETS:
        if first.endswith(quote_asset) and first != quote_asset:
            return first.removesuffix(quote_asset)
    return first


def read_recording(path: Path, skipped: Skipped) -> Iterator[TimedEvent]:
    """All events of a file, or of a directory's files merged on time, first to last.

    Of a directory only files whose time has come are open. Raises OSError where there is nothing
    to read.
    """
    if not path.is_dir():
        with path.open("rb"):
            return _file_events(path, skipped)
    files = _files(path)
    if not files:
        raise FileNotFoundError(f"no recording in {path}")
    return _merged(files, skipped)


def recording_span(path: Path, turn: Callable[[], None]) -> tuple[int, int] | None:
    """When, in ms, the first and the last event of a recording are due.

    None where that can't be told, or not soon. Calls `turn` at each line, since this takes a while.
    """
    try:
        files = _files(path) if path.is_dir() else [path]
        if sum(file.stat().st_size for file in files) > SPAN_MAX_BYTES:
            return None
    except OSError:
        return None  # which playing it will tell
    dues = [due_ms for file in files for due_ms in _outer_dues(file, turn)]
    return (int(min(dues)), int(max(dues))) if dues else None


def recorded_symbols(path: Path, turn: Callable[[], object]) -> set[str]:
    """The symbols of a recording, as far as its files' names, or their first lines, tell. Raises
    OSError where there is nothing to read. Calls `turn` at each line, since this takes a while."""
    found: set[str] = set()
    # What can't be read is told when it is played.
    quiet = Skipped(quiet=True)
    for file in _files(path) if path.is_dir() else [path]:
        for _, event in islice(_file_events(file, quiet), SYMBOL_LINES):
            turn()
            if event is not None and event.symbol is not None:
                found.add(event.symbol)
                if isinstance(event, ClosedCandle):
                    break  # a file of candles is of one symbol
    return found


def _outer_dues(path: Path, turn: Callable[[], None]) -> list[float]:
    """When the first and the last lines of a file are due."""
    # What can't be read is told when it is played.
    quiet = Skipped(quiet=True)
    first: list[str] = []
    last: deque[str] = deque(maxlen=BEGIN_LINES)
    try:
        with _open(path) as file:
            for line in _lines(file, path, quiet):
                turn()
                last.append(line)
                if len(first) < BEGIN_LINES:
                    first.append(line)
    except (OSError, EOFError, zlib.error):
        pass  # up to its cut
    if not first:
        return []
    try:
        parse = _parser_for(path, first[0])
    except ValueError:
        return []
    lines = (_parsed(line, parse, path, quiet) for line in (*first, *last))
    return [due_ms for timed in lines for due_ms, _ in timed if due_ms]


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.is_file() and file.name[0] != ".")


def _merged(files: list[Path], skipped: Skipped) -> Iterator[TimedEvent]:
    heap: list[tuple[float, int, MarketEvent | None]] = []
    opened: dict[int, Iterator[TimedEvent]] = {}
    for index, file in enumerate(files):
        begin = islice(_file_events(file, Skipped()), BEGIN_LINES)
        first = next((timed for timed in begin if timed.due_ms), None)
        if first:
            heap.append((first.due_ms, index, None))
        else:
            skipped.add(UNREADABLE, file, "nothing with a time at its begin")
    heapq.heapify(heap)
    while heap:
        due_ms, index, event = heap[0]
        if index in opened:
            yield TimedEvent(due_ms, event)
        else:
            opened[index] = _file_events(files[index], skipped)
        following = next(opened[index], None)
        if following:
            heapq.heapreplace(heap, (following.due_ms, index, following.event))
        else:
            heapq.heappop(heap)


def _file_events(path: Path, skipped: Skipped) -> Iterator[TimedEvent]:
    due_ms = 0.0
    try:
        with _open(path) as file:
            parse: LineParser | None = None
            for line in _lines(file, path, skipped):
                parse = parse or _parser_for(path, line)
                timed = _parsed(line, parse, path, skipped)
                due_ms = timed[-1].due_ms if timed else due_ms
                yield from timed or [TimedEvent(due_ms, None)]
    # A cut-off gzip file plays up to its cut.
    except (OSError, EOFError, zlib.error, ValueError) as error:
        skipped.add(UNREADABLE, path, error)


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


def _lines(file: BinaryIO, path: Path, skipped: Skipped) -> Iterator[str]:
    while line := file.readline(LINE_MAX_BYTES):
        if len(line) == LINE_MAX_BYTES and not line.endswith(b"\n"):
            skipped.add(LONG_LINE, path, f"over {LINE_MAX_BYTES} bytes")
            while line and not line.endswith(b"\n"):
                line = file.readline(LINE_MAX_BYTES)
        elif text := line.decode(errors="replace").strip():
            yield text


LineParser = Callable[[str], list[TimedEvent]]


def _parsed(line: str, parse: LineParser, path: Path, skipped: Skipped) -> list[TimedEvent]:
    try:
        return parse(line)
    except (ValueError, OverflowError) as error:
        skipped.add(BAD_LINE, path, error)
        return []


def _parser_for(path: Path, first_line: str) -> LineParser:
    stamped = re.match(r"\d+ (\{.*)", first_line)
    if not stamped:
        return _candle_parser(symbol_of_file(path), first_line)
    if is_header(stamped[1]):
        return _line_parser(decode_events)
    # Here, since it takes the exchange's half of the feeds along.
    from backend.feeds.binance_frames import frame_events

    return _line_parser(frame_events)


def _line_parser(events_of: Callable[[str], Sequence[MarketEvent]]) -> LineParser:
    def parse(line: str) -> list[TimedEvent]:
        stamp, _, text = line.partition(" ")
        due_ms = int(stamp) / 1e6
        events: Sequence[MarketEvent | None] = events_of(text) or [None]
        return [TimedEvent(due_ms, event) for event in events]

    return parse


def _candle_parser(symbol: str, first_line: str) -> LineParser:
    names = [name.strip().lower() for name in first_line.split(",")]
    has_header = "open_time_ms" in names
    columns = {name: at for at, name in enumerate(names if has_header else CSV_COLUMNS)}
    header = first_line if has_header else None

    def parse(line: str) -> list[TimedEvent]:
        if line == header:
            return []
        cells = line.split(",")
        if len(cells) < len(CSV_COLUMNS) - 1:
            raise ValueError(f"{len(cells)} columns")
        open_time, open_, high, low, close, volume = (
            float(cells[columns[name]]) for name in CSV_COLUMNS[:-1]
        )
        at = columns.get("quote_volume", len(cells))
        quote_volume = float(cells[at]) if at < len(cells) else volume * close
        candle = Candle(int(open_time), open_, high, low, close, volume, quote_volume)
        return [TimedEvent(candle.open_time_ms + MINUTE_MS, ClosedCandle(symbol, candle))]

    return parse
