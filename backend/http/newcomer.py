"""A connection that has asked for nothing yet."""

from collections.abc import Callable
from typing import Any

from backend import green
from backend.http.activity import Activity
from backend.http.connection import IDLE_SECONDS, REQUEST_COST_SECONDS
from backend.http.places import Place
from backend.http.socket_watch import SocketWatch
from backend.turns import Turns


class Newcomer(SocketWatch):
    """Waits without a greenlet until the first bytes are here and its turn has come: of a storm's
    thousands that wait, and of those that never say a word, none has a stack of its own."""

    __slots__ = ("_place", "_turns", "_activity", "_begin", "_ended", "_timer")

    def __init__(
        self,
        sock: Any,
        place: Place,
        turns: Turns,
        activity: Activity,
        begin: Callable[[], None],
    ) -> None:
        """`begin` is called by the hub, once, whatever has come of the client: a request or the
        end."""
        super().__init__(sock)
        self._place = place
        self._turns = turns
        self._activity = activity
        self._begin = begin
        self._ended = False
        place.holder = self
        self._watch_socket()
        self._timer = green.call_later(IDLE_SECONDS, self.evicted)

    def evicted(self) -> None:
        """Close the connection now."""
        if self._ended:
            return
        self._ended = True
        if self._unwatch():
            self._timer.cancel()
        else:  # its turn is to come
            self._activity.end()
        self._sock.close()
        self._place.release()

    def _ready(self) -> None:
        self._unwatch()
        self._timer.cancel()
        self._activity.busy += 1
        self._turns.take(self._place.share, self._go_on, REQUEST_COST_SECONDS)

    def _go_on(self) -> None:
        if self._ended:
            return
        self._activity.end()
        self._begin()
