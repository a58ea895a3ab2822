"""The way to an exchange: the connection that is read, and the one that is to follow it."""

import threading
from collections.abc import Callable
from random import Random

from backend.clock import Clock
from backend.feeds.backoff import Backoff
from backend.feeds.connection import Connection, ConnectionLost
from backend.feeds.renewal import Renewal

# A connection that has brought data for this long has proved itself: the next failure is a new one.
PROVEN_S = 10.0
# How often it is looked, while a connection opens, whether it takes too long.
LOOK_S = 0.25


class Link:
    """Has one connection after the other, for one task; `cut` may be called from another."""

    def __init__(
        self,
        new_connection: Callable[[], Connection],
        renew_after_s: float,
        note: Callable[[str, str], None],
        stopping: threading.Event,
        clock: Clock,
        random: Random,
    ) -> None:
        """A connection is renewed when it is `renew_after_s` old, or somebody asks. `note(kind,
        what)` is told what goes amiss. Once it is `stopping` nothing is opened any more."""
        self._new_connection = new_connection
        self._stopping = stopping
        self._backoff = Backoff(random)
        self._renewal = Renewal(renew_after_s, self._connect, note, clock)
        # What is read; None while there is nothing.
        self.connection: Connection | None = None

    def open(self) -> Connection | None:
        """Have a connection, the successor of the lost one if it is under way, and wait until it is
        `opened`, perhaps with an error; None where it is stopped before. Raises ConnectionLost
        where that takes too long."""
        connection = self.connection = self._renewal.take() or self._connect()
        while not connection.opened.wait(LOOK_S):
            if self._stopping.is_set():
                return None
            if connection.overdue:
                raise ConnectionLost("the exchange takes too long to answer")
        return connection

    def satisfied(self) -> None:
        """The connection is open and will do."""
        self._renewal.satisfied()

    def renew(self, reason: str) -> None:
        """Go over to a new connection as soon as may be, without a gap."""
        self._renewal.ask(reason)

    def go_over(self, now: float) -> bool:
        """Replace the connection by its successor where that is due; whether it was."""
        former = self.connection
        assert former is not None
        successor = self._renewal.step(former, now)
        if successor is None:
            return False
        self.connection = successor
        former.close()
        self._renewal.satisfied()
        return True

    def pause_s(self, at_least: float) -> float:
        """How long to wait, after a connection was lost, before `open`: longer with each loss,
        until a connection has proved itself."""
        return max(self._backoff.next(), at_least)

    @property
    def renewing(self) -> bool:
        """Whether a successor is under way."""
        return self._renewal.successor is not None

    def cut(self) -> None:
        """Make opening or reading fail at once."""
        for connection in (self.connection, self._renewal.successor):
            if connection is not None:
                connection.cut()

    def close(self) -> None:
        """Let go of the connection, and not of its successor."""
        connection, self.connection = self.connection, None
        if connection is None:
            return
        if connection.proven_s >= PROVEN_S:
            self._backoff.reset()
        connection.close()

    def close_all(self) -> None:
        """Let go of both."""
        self.close()
        successor = self._renewal.take()
        if successor is not None:
            successor.close()

    def _connect(self) -> Connection:
        connection = self._new_connection()
        self._renewal.opening()
        if self._stopping.is_set():  # `cut` did not see it
            connection.cut()
        return connection
