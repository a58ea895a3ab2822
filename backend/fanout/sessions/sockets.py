"""A WebSocket's own socket: taken away from the HTTP server, and closed in the end.

Once upgraded, the HTTP server's greenlet ends, and with it go the request, its headers and
buffers, which are most of what a connection would otherwise cost. The place that the socket takes
among the server's connections goes with it, until it is closed.
"""

import contextlib
import socket
import struct
from collections.abc import Callable
from typing import Any

from backend.http.exchange import EXCHANGE
from backend.http.leaving import Leaving
from backend.http.places import Place
from backend.http.socket_watch import SocketWatch
from backend.turns import Turns

# What the kernel takes for a client beyond what that has room for. By default it is megabytes,
# which a slow client would get as old news, and which hide for minutes whether it reads at all.
UNSENT_BYTES = 64 * 1024
_UNSENT_OPTION = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # Linux and macOS have it
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class HeldSocket:
    """A socket with the place that it holds."""

    __slots__ = ("sock", "place", "_turns")

    def __init__(self, sock: socket.socket, place: Place, turns: Turns) -> None:
        self.sock = sock
        self.place = place
        self._turns = turns

    @classmethod
    def taken_from(cls, environ: dict[str, Any], turns: Turns) -> "tuple[HeldSocket, bytes]":
        """The socket of a request, and what has been read from it beyond that; raises OSError
        where the client has gone."""
        sock, place, early = environ[EXCHANGE].take_over()
        if _UNSENT_OPTION is not None:
            sock.setsockopt(socket.IPPROTO_TCP, _UNSENT_OPTION, UNSENT_BYTES)
        return cls(sock, place, turns), early

    def close(self, reset: bool = False) -> None:
        """Close now, and let another connection have the place. `reset` throws away what the
        kernel still has for the client."""
        if reset:
            with contextlib.suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.sock.close()
        self.place.release()

    def part(self, last: bytes) -> None:
        """Send last words, and close once the client has, or after a while."""
        try:
            self.sock.send(last)
        except OSError:
            self.close()  # the client has gone already; there is nobody to be told
        else:
            Leaving(self.sock, self.place, self._turns)


class EndWatch(SocketWatch):
    """Notices that the client of a request that waits for its answer has gone: `left` is called
    once, by the hub."""

    __slots__ = ("_left",)

    def __init__(self, sock: socket.socket, left: Callable[[], None]) -> None:
        super().__init__(sock)
        self._left = left
        self._watch_socket()

    def stop(self) -> None:
        """Look no more; the socket is still open."""
        self._unwatch()

    def _ready(self) -> None:
        try:
            gone = not self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        self.stop()  # what else there is to read is the next request, whose time will come
        if gone:
            self._left()
