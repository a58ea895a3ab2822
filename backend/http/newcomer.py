"""A connection that has asked for nothing yet."""

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

    __slots__ = ("_sock", "_place", "_turns", "_activity", "_begin", "_ended", "_watch", "_timer")

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
        self._sock = sock
        self._place = place
        self._turns = turns
        self._activity = activity
        self._begin = begin
        self._ended = False
        place.holder = self
        self._watch: green.Watch | None = green.when_readable(sock.fileno(), self._readable)
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

    def _unwatch(self) -> bool:
        """Look no more whether something has come; whether that was so up to now."""
        if self._watch is None:
            return False
        green.unwatch(self._watch)
        self._watch = None
        return True

    def _readable(self, _fileno: int) -> None:
        if not self._unwatch():
            return  # the hub had gathered this call before the watch was ended
        self._timer.cancel()
        self._activity.busy += 1
        self._turns.take(self._place.share, self._go_on, REQUEST_COST_SECONDS)

    def _go_on(self) -> None:
        if self._ended:
            return
        self._activity.end()
        self._begin()
