"""The log: lines on standard error that nobody outside can forge, flood, or make wait.

Writing is a native thread's matter. Where nobody reads, or the disk is full, lines are dropped and
counted; the process goes on.
"""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

from backend import green

# Lines that wait for the writer: some seconds of a busy log. Beyond them lines are dropped.
WAITING_LINES_MAX = 10_000
# Of one kind of message, in one `WINDOW_SECONDS`; the rest is counted, and told in one line.
# A kind is a message before its arguments are filled in, so that their number is the code's.
LINES_OF_A_KIND = 50
WINDOW_SECONDS = 60.0
# Kinds that are told apart; those beyond count as one.
KINDS_MAX = 1_000
# A message is cut to this, a traceback to so many lines: both may hold a client's words.
MESSAGE_MAX_CHARS = 2_000
TRACEBACK_MAX_LINES = 60
# What is still unwritten at the end gets this long.
FAREWELL_SECONDS = 1.0

STDOUT, STDERR = 1, 2


class Writer:
    """Writes lines to a descriptor, and never makes anybody wait for it."""

    def __init__(self, fileno: int) -> None:
        self._fileno = fileno
        self._lines: Any = green.native("queue").SimpleQueue()
        self.dropped = 0
        self._thread = green.native("threading").Thread(target=self._run, daemon=True)
        self._thread.start()

    def write(self, line: str) -> None:
        """Have a line written; it is dropped where too many wait already."""
        if self._lines.qsize() >= WAITING_LINES_MAX:
            self.dropped += 1
        else:
            self._lines.put(line)

    def close(self) -> None:
        """Write what waits, as far as that is possible in a moment."""
        self._lines.put(None)
        self._thread.join(FAREWELL_SECONDS)

    def _run(self) -> None:
        write = green.native("os").write
        while (line := self._lines.get()) is not None:
            data = memoryview(line.encode(errors="backslashreplace") + b"\n")
            try:
                while data:
                    data = data[write(self._fileno, data) :]
            except OSError:
                self.dropped += 1  # a full disk, or a reader that has gone: the next may be better


def plain(text: str) -> str:
    """One line of printable characters, whatever is in `text`."""
    cut = text if len(text) <= MESSAGE_MAX_CHARS else text[:MESSAGE_MAX_CHARS] + "..."
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut
    )


class Formatter(logging.Formatter):
    """Time, level, logger and message in one line; a traceback below it, indented."""

    converter = staticmethod(time.gmtime)
    default_time_format = "%Y-%m-%dT%H:%M:%S"
    default_msec_format = "%s.%03dZ"

    def format(self, record: logging.LogRecord) -> str:
        head = f"{self.formatTime(record)} {record.levelname:<7} {record.name}: "
        lines = [head + plain(record.getMessage())]
        if record.exc_info:
            trace = self.formatException(record.exc_info).splitlines()
            if len(trace) > TRACEBACK_MAX_LINES:
                trace = ["..."] + trace[-TRACEBACK_MAX_LINES:]
            lines += [f"  {plain(line)}" for line in trace]
        return "\n".join(lines)


class BoundedHandler(logging.Handler):
    """Hands lines to a writer, and of each kind no more than are of use."""

    def __init__(self, write: Callable[[str], None], monotonic: Callable[[], float]) -> None:
        super().__init__()
        self._write = write
        self._monotonic = monotonic
        self._window_ends = monotonic() + WINDOW_SECONDS
        self._counts: dict[str, int] = {}

    def createLock(self) -> None:  # noqa: N802
        """None: everything here is done between two switches of greenlets, and a native thread
        that would wait for a greenlet's lock could wait for ever."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        try:
            if self._count(f"{record.name}: {str(record.msg)[:200]}") <= LINES_OF_A_KIND:
                self._write(self.format(record))
        except Exception:
            self.handleError(record)  # which says where the message comes from

    def _count(self, kind: str) -> int:
        now = self._monotonic()
        if now >= self._window_ends:
            self._window_ends = now + WINDOW_SECONDS
            self._tell_rest()
        if kind not in self._counts and len(self._counts) >= KINDS_MAX:
            kind = "others"
        self._counts[kind] = self._counts.get(kind, 0) + 1
        return self._counts[kind]

    def _tell_rest(self) -> None:
        counts, self._counts = self._counts, {}
        for kind, count in counts.items():
            if count > LINES_OF_A_KIND:
                self._write(f"  and {count - LINES_OF_A_KIND} more of: {plain(kind)}")


class StandardError:
    """In place of `sys.stderr`, for what libraries print there themselves: lines in the log."""

    encoding = "utf-8"

    def __init__(self) -> None:
        self._log = logging.getLogger("stderr")
        self._line = ""

    def write(self, text: str) -> int:
        *lines, rest = (self._line + text).split("\n")
        self._line = rest[-MESSAGE_MAX_CHARS:]
        for line in lines:
            if line.strip():
                self._log.error("%s", line)
        return len(text)

    def flush(self) -> None:
        """Nothing waits here."""

    def isatty(self) -> bool:
        return False


def start(level: str) -> Callable[[], None]:
    """Log to standard error from now on; returns what is to be called at the end."""
    writer = Writer(STDERR)
    handler = BoundedHandler(writer.write, time.monotonic)
    handler.setFormatter(Formatter())
    # The one lock of logging itself: SQLAlchemy takes it in native threads, and where one of those
    # meets the hub in it, a greenlet's lock would end the hub.
    logging._lock = green.native("threading").RLock()  # type: ignore[attr-defined]
    logging.basicConfig(level=level.upper(), handlers=[handler])
    # It tells of its own plugins, six lines, at every first start.
    logging.getLogger("alembic.runtime.plugins").setLevel(logging.WARNING)
    kept, sys.stderr = sys.stderr, StandardError()

    def stop() -> None:
        sys.stderr = kept
        writer.close()

    return stop
