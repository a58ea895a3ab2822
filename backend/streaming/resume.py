"""Where a client stands in what was said, and what it has missed.

A client's place is one number: on one connection everything comes in the order of its offsets, the
signals of a snapshot too. So whoever remembers the last offset it was given resumes with nothing
missed, and with nothing twice.
"""

from collections.abc import Collection

from backend.journal.journal import Journal
from backend.journal.log import Entry
from backend.protocol import Payload, Place
from backend.streaming.sessions import Session

# More than this is not missed but unknown: it would be half of what may wait for a connection, and
# a snapshot says more in less.
MISSED_MAX = 500


class Resumption:
    """Answers clients that come back."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._log = journal.log

    def place(self) -> Payload:
        """Where whoever has everything stands."""
        return {"epoch": self._log.epoch, "offset": self._log.last}

    def begin(self, session: Session) -> None:
        """A client subscribes: from here on, at the latest, it hears what is said to everybody."""
        if session.heard_since is None:
            session.heard_since = self._log.last

    def missed(
        self, session: Session, symbols: Collection[str], place: Place
    ) -> list[Entry] | None:
        """What was said of `symbols` and to everybody after `place`, in order, but for what this
        connection has been sent since it subscribed; None where that is not known, or too much.

        May wait a little, where the client has come from a process that had read further.
        """
        offset = place.offset
        if place.epoch != self._log.epoch or offset is None or not self._journal.has_read(offset):
            return None
        entries = self._log.since(offset)
        if entries is None:
            return None
        heard_since = self._log.last if session.heard_since is None else session.heard_since
        missed = [
            entry
            for entry in entries
            if (entry.offset <= heard_since if entry.topic is None else entry.topic in symbols)
        ]
        if len(missed) > MISSED_MAX:
            return None
        session.heard_since = min(heard_since, offset)
        return missed
