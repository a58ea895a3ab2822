"""A connection that has been sent the last that it will be: an answer, or a close frame."""

import contextlib
import socket
from collections.abc import Callable

from backend import green
from backend.http.activity import RECEIVE_BYTES
from backend.http.places import Place
from backend.http.socket_watch import SocketWatch
from backend.turns import Turns

# What a client still sends is thrown away for this long and so far: were the socket closed at once,
# unread bytes would make the kernel drop what was sent last.
LINGER_SECONDS = 2.0
LINGER_BYTES = 256 * 1024


class Leaving(SocketWatch):
    """Waits until its client has taken that and left, without a greenlet: whoever sends bodies that
    nobody reads has thousands of these. Closes the socket, and frees its place."""

    __slots__ = ("_place", "_turns", "_on_end", "_left", "_timer", "_ended")

    def __init__(
        self,
        sock: socket.socket,
        place: Place,
        turns: Turns,
        on_end: Callable[[], None] = lambda: None,
    ) -> None:
        """`sock` is a raw one, that does not wait; `on_end` is called when it is closed."""
        super().__init__(sock)
        self._place = place
        self._turns = turns
        self._on_end = on_end
        self._left = LINGER_BYTES
        self._ended = False
        self._timer = green.call_later(LINGER_SECONDS, self.evicted)
        place.holder = self
        try:
            sock.shutdown(socket.SHUT_WR)
            self._watch_socket()
        except OSError:
            self.evicted()  # the client has gone already

    def evicted(self) -> None:
        """Close the connection now."""
        if self._ended:
            return
        self._ended = True
        self._unwatch()
        self._timer.cancel()
        self._sock.close()
        self._place.release()
        self._on_end()

    def _ready(self) -> None:
        self._unwatch()
        self._turns.take(self._place.share, self._discard)

    def _discard(self) -> None:
        if self._ended:
            return
        size = 0
        with contextlib.suppress(OSError):
            size = len(self._sock.recv(RECEIVE_BYTES))
        self._left -= size
        if size and self._left > 0:
            self._watch_socket()
        else:
            self.evicted()
