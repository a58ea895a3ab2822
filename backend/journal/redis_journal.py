"""The journal of several processes: whoever leads says, and everybody reads what was said."""

from collections.abc import Callable, Iterable
from typing import Any

from backend.clock import wait_until
from backend.journal.connection import RedisFailed
from backend.journal.journal import NotSaid
from backend.journal.log import Entry, Log, pack
from backend.journal.redis_streams import Epoch, Fenced, RedisStreams

# A client that comes from a process which had read further waits for no longer than this: what
# was said is read within milliseconds, or Redis is away.
CATCH_UP_SECONDS = 1.0
_LOOK_SECONDS = 0.02


class RedisJournal:
    """What this process has read, and its way to say something while it leads."""

    def __init__(self, streams: RedisStreams, sleep: Callable[[float], None]) -> None:
        self._streams = streams
        self._sleep = sleep
        self.epoch = Epoch("", 0)
        self.log = Log(self.epoch.name)
        # The fence and the epoch in which this process leads.
        self._term: tuple[int, Epoch] | None = None

    def say(self, event: str, topic: str | None, payload: dict[str, Any]) -> None:
        """Append; it is read a little later, here as everywhere. Raises `NotSaid`."""
        fence, epoch = self.term()
        try:
            self._streams.say(fence, epoch, event, topic, pack(payload))
        except RedisFailed as error:
            raise NotSaid(f"Redis: {type(error).__name__}") from error

    def term(self) -> tuple[int, Epoch]:
        """The fence and the epoch to write with; raises `Fenced` where this process does not
        lead."""
        if self._term is None:
            raise Fenced("another process leads")
        return self._term

    def lead(self, fence: int, epoch: Epoch) -> None:
        """This process leads, in this epoch."""
        self._term = fence, epoch
        if epoch != self.epoch:
            self.begin(epoch)

    def follow(self) -> None:
        """This process does not lead any more."""
        self._term = None

    def wait_for(self, offset: int) -> None:
        """Wait for it, up to `CATCH_UP_SECONDS`."""
        wait_until(lambda: self.log.last >= offset, CATCH_UP_SECONDS, _LOOK_SECONDS, self._sleep)

    def begin(self, epoch: Epoch, entries: Iterable[Entry] = ()) -> None:
        """Go on in this epoch, of which these entries are known."""
        self.epoch = epoch
        self.log.begin(epoch.name, epoch.base, entries)

    def take(self, entry: Entry) -> None:
        """Take in what was read. Where something before it is missing, the log begins anew, so
        that nobody resumes over the gap."""
        if entry.offset > self.log.last + 1:
            self.log.begin(self.epoch.name, entry.offset - 1)
        if entry.offset == self.log.last + 1:
            self.log.add(entry)
