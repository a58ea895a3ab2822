"""The connection that follows another: when one is wanted, and when it takes over.

Going over leaves no gap: the old connection is read until the new one has been open for a moment.
"""

import logging
from collections.abc import Callable

from backend.clock import Clock
from backend.feeds.connection import Connection

log = logging.getLogger(__name__)

# A new connection is left unread for this long before it takes over. What it says in the meantime
# waits in its socket, and what both say is told apart by trade ids.
OVERLAP_S = 1.0
# However often somebody asks for a new connection.
PAUSE_S = 10.0


class Renewal:
    """Opens a successor with `connect` when a connection is `after_s` old, or somebody asks."""

    def __init__(
        self,
        after_s: float,
        connect: Callable[[], Connection],
        note: Callable[[str, str], None],
        clock: Clock,
    ) -> None:
        """`note(kind, what)` is told what goes amiss."""
        self._after_s = after_s
        self._connect = connect
        self._note = note
        self._clock = clock
        self._reason = ""
        self._allowed_at = 0.0
        self.successor: Connection | None = None

    def ask(self, reason: str) -> None:
        """Renew as soon as may be."""
        self._reason = self._reason or reason

    def opening(self) -> None:
        """A connection is being opened, whoever does it: the next is not due for a while."""
        self._allowed_at = self._clock.monotonic() + PAUSE_S

    def satisfied(self) -> None:
        """There is a new connection: nobody asks for one any more."""
        self._reason = ""

    def take(self) -> Connection | None:
        """The successor that is under way, if there is one, for the caller to keep."""
        successor, self.successor = self.successor, None
        return successor

    def step(self, connection: Connection, now: float) -> Connection | None:
        """Do what is due; the successor of `connection` once it is to take over."""
        successor = self.successor
        if successor is None:
            come_of_age = now - connection.opened_at > self._after_s
            if (come_of_age or self._reason) and now >= self._allowed_at:
                log.info("renewing the connection: %s", self._reason or "it has come of age")
                self.successor = self._connect()
        elif successor.overdue or (successor.opened.is_set() and successor.error is not None):
            self.successor = None
            successor.close()
            self._note("renewal_failed", str(successor.error or "no answer in time"))
        elif successor.opened.is_set() and now - successor.opened_at >= OVERLAP_S:
            return self.take()
        return None
