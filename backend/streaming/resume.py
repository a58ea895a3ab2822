"""Where a client stands in what was said, and what it has missed.

A client's place is one number: on one connection everything comes in the order of its offsets, the
signals of a snapshot too. So whoever remembers the last offset it was given resumes with nothing
missed, and with nothing twice.
"""

from collections.abc import Callable, Collection

from backend.journal.journal import Journal
from backend.journal.log import Entry
from backend.metrics import Metrics
from backend.protocol import Payload, Place
from backend.streaming.sessions import Session

# More than this is not missed but unknown: it would be half of what may wait for a connection, and
# a snapshot says more in less.
MISSED_MAX = 500


# How a resume ends, as it is counted: the last four with a snapshot.
RECOVERED = "recovered"
TOO_OLD, TOO_MUCH, EPOCH, AHEAD = "too_old", "too_much", "epoch", "ahead"
OUTCOMES = (RECOVERED, TOO_OLD, TOO_MUCH, EPOCH, AHEAD)


class Resumption:
    """Answers clients that come back."""

    def __init__(
        self, journal: Journal, metrics: Metrics, settle: Callable[[], object] = lambda: None
    ) -> None:
        """`settle` waits until what has been read has been sent to whoever was to hear it."""
        self._journal = journal
        self._metrics = metrics
        self._settle = settle
        self._log = journal.log

    def place(self) -> Payload:
        """Where whoever has everything stands."""
        return {"epoch": self._log.epoch, "offset": self._log.last}

    def begin(self, session: Session) -> None:
        """A client subscribes: from here on, at the latest, it hears what is said to everybody."""
        if session.heard_since is None:
            session.heard_since = self._log.last

    def reach(self, place: Place | None) -> None:
        """Wait a little for what a client has heard from a process that had read further; then,
        until nothing that is known here is still to be sent: it would come to the client twice."""
        if place is not None and place.epoch == self._log.epoch and place.offset is not None:
            self._journal.wait_for(place.offset)
        self._settle()

    def missed(
        self, session: Session, symbols: Collection[str], place: Place
    ) -> list[Entry] | None:
        """What was said of `symbols` and to everybody after `place`, in order, but for what this
        connection has been sent since it subscribed; None where that is not known, or too much.
        `reach` comes before it.
        """
        if session.heard_since is None:
            self._metrics.reconnects.add(session.client)
        found = self._find(place, symbols, session.heard_since)
        if isinstance(found, str):
            self._metrics.resumes.add(found)
            return None
        self._metrics.resumes.add(RECOVERED)
        assert place.offset is not None  # or nothing would have been found
        heard_since = self._log.last if session.heard_since is None else session.heard_since
        session.heard_since = min(heard_since, place.offset)
        return found

    def since(self, place: Place, symbols: Collection[str]) -> list[Entry] | None:
        """The same for a connection that was sent nothing yet, and nothing of it counted."""
        found = self._find(place, symbols, None)
        return None if isinstance(found, str) else found

    def _find(
        self, place: Place, symbols: Collection[str], heard_since: int | None
    ) -> list[Entry] | str:
        """The entries, or why they are not known."""
        offset = place.offset
        if place.epoch != self._log.epoch:
            return EPOCH
        if offset is None or offset > self._log.last:
            return AHEAD
        entries = self._log.since(offset)
        if entries is None:
            return TOO_OLD
        if heard_since is None:
            heard_since = self._log.last
        missed = [
            entry
            for entry in entries
            if (entry.offset <= heard_since if entry.topic is None else entry.topic in symbols)
        ]
        return missed if len(missed) <= MISSED_MAX else TOO_MUCH
