"""A connection that has had its last answer."""

import contextlib
import socket
from typing import Any

from backend import green
from backend.http.activity import RECEIVE_BYTES, Activity
from backend.http.places import Place
from backend.turns import Turns

# After the last answer, what a client still sends is thrown away for this long and so far: were
# the socket closed at once, unread bytes would make the kernel drop the answer.
LINGER_SECONDS = 2.0
LINGER_BYTES = 256 * 1024


class Leaving:
    """Waits until its client has taken the answer and left, without a greenlet: whoever sends
    bodies that nobody reads has thousands of these. Closes the connection, and frees its place."""

    __slots__ = ("_sock", "_place", "_turns", "_activity", "_left", "_watch", "_timer", "_ended")

    def __init__(self, sock: Any, place: Place, turns: Turns, activity: Activity) -> None:
        self._sock = sock
        self._place = place
        self._turns = turns
        self._activity = activity
        self._left = LINGER_BYTES
        self._watch: green.Watch | None = None
        self._ended = False
        self._timer = green.call_later(LINGER_SECONDS, self.evicted)
        activity.busy += 1
        place.holder = self
        try:
            green.raw_socket(sock).shutdown(socket.SHUT_WR)
            self._watch_socket()
        except OSError:
            self.evicted()

    def evicted(self) -> None:
        """Close the connection now."""
        if self._ended:
            return
        self._ended = True
        self._unwatch()
        self._timer.cancel()
        self._activity.busy -= 1
        self._sock.close()
        self._place.release()

    def _watch_socket(self) -> None:
        self._watch = green.when_readable(self._sock.fileno(), self._readable)

    def _unwatch(self) -> None:
        if self._watch is not None:
            green.unwatch(self._watch)
            self._watch = None

    def _readable(self, _fileno: int) -> None:
        if self._watch is None:
            return  # the hub had gathered this call before the watch was ended
        self._unwatch()
        self._turns.take(self._place.share, self._discard)

    def _discard(self) -> None:
        if self._ended:
            return
        size = 0
        with contextlib.suppress(OSError):
            size = len(green.raw_socket(self._sock).recv(RECEIVE_BYTES))
        self._left -= size
        if size and self._left > 0:
            self._watch_socket()
        else:
            self.evicted()
