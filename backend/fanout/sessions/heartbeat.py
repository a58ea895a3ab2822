"""Pings of all connections from one wheel, in place of a sleeping greenlet for each."""

import itertools
import logging
from collections.abc import Callable

from backend.fanout.sessions.connection import Connection
from backend.fanout.wire.message import Message

logger = logging.getLogger(__name__)

# Turns of the wheel in the shorter of interval and timeout: a ping is late by at most a tenth.
_STEPS = 10

# Pings sent between pauses: under a millisecond of the hub's time. Connections that came together
# are pinged together.
_PINGS_AT_ONCE = 64

PING_PACKET = Message.raw(b"2")


class Heartbeat:
    """Sends a ping `interval` seconds after the last pong, and gives up on a connection that
    has not answered `timeout` seconds later."""

    def __init__(
        self,
        interval: float,
        timeout: float,
        give_up: Callable[[Connection], None],
        pause: Callable[[], None],
    ) -> None:
        self._give_up = give_up
        self._pause = pause
        self.step = min(interval, timeout) / _STEPS
        self._interval = max(1, round(interval / self.step))
        self._timeout = max(1, round(timeout / self.step))
        size = max(self._interval, self._timeout) + 1
        self._wheel: list[set[Connection]] = [set() for _ in range(size)]
        self._now = 0

    def run(self, now: Callable[[], float], sleep: Callable[[float], object]) -> None:
        """Turn the wheel, for ever. A turn that is late is not made up for: when the process was
        stopped, or had no time, its clients' answers wait to be read first."""
        due = now() + self.step
        while True:
            sleep(max(0.0, due - now()))
            if now() - due > self.step:
                due = now() + self.step
                continue
            due += self.step
            try:
                self.turn()
            except Exception:
                logger.exception("A turn of the heartbeat failed; it goes on")

    def start(self, connection: Connection) -> None:
        """Count the interval from now on."""
        self._place(connection, self._interval)

    def pong(self, connection: Connection) -> None:
        """The client has answered."""
        if connection.awaits_pong:
            connection.awaits_pong = False
            self._place(connection, self._interval)

    def forget(self, connection: Connection) -> None:
        if connection.bucket >= 0:
            self._wheel[connection.bucket].discard(connection)
            connection.bucket = -1

    def turn(self) -> None:
        """Do what is due; called once a `step`."""
        self._now = (self._now + 1) % len(self._wheel)
        due = self._wheel[self._now]
        for count in itertools.count(1):
            if not due:
                return
            connection = due.pop()
            connection.bucket = -1
            if connection.awaits_pong:
                self._give_up(connection)
            else:
                connection.awaits_pong = True
                self._place(connection, self._timeout)
                connection.send(PING_PACKET)
            if count % _PINGS_AT_ONCE == 0:
                self._pause()

    def _place(self, connection: Connection, steps: int) -> None:
        if connection.closing:
            return
        self.forget(connection)
        connection.bucket = (self._now + steps) % len(self._wheel)
        self._wheel[connection.bucket].add(connection)
