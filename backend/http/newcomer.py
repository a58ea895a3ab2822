"""A connection that has asked for nothing yet."""

import contextlib
import socket
from collections.abc import Callable
from typing import Any

from backend import green
from backend.http.activity import Activity
from backend.http.connection import IDLE_SECONDS, REQUEST_COST_SECONDS
from backend.http.places import Place
from backend.turns import Turns


class Newcomer:
    """Waits without a greenlet until the first bytes are here and its turn has come: of a storm's
    thousands that wait, and of those that never say a word, none has a stack of its own."""

    __slots__ = ("_sock", "_place", "_turns", "_activity", "_begin", "_watch", "_timer")

    def __init__(
        self,
        sock: Any,
        place: Place,
        turns: Turns,
        activity: Activity,
        begin: Callable[[], None],
    ) -> None:
        """`begin` is called by the hub, once, whatever has come: a request or the end."""
        self._sock = sock
        self._place = place
        self._turns = turns
        self._activity = activity
        self._begin = begin
        place.holder = self
        self._watch: green.Watch | None = green.when_readable(sock.fileno(), self._readable)
        self._timer = green.call_later(IDLE_SECONDS, self.evicted)

    def evicted(self) -> None:
        """End the stream: that can be read, and `begin` finds it."""
        with contextlib.suppress(OSError):
            green.raw_socket(self._sock).shutdown(socket.SHUT_RDWR)

    def _readable(self, _fileno: int) -> None:
        if self._watch is None:
            return  # the hub had gathered this call before the watch was ended
        green.unwatch(self._watch)
        self._watch = None
        self._timer.cancel()
        self._activity.busy += 1
        self._turns.take(self._place.share, self._go_on, REQUEST_COST_SECONDS)

    def _go_on(self) -> None:
        self._activity.end()
        self._begin()
