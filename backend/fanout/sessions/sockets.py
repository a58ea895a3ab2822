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

from backend import green
from backend.http.exchange import EXCHANGE
from backend.http.places import Place

# Read from a socket at once: a whole message of the usual limit, and little to allocate.
RECEIVE_BYTES = 16 * 1024
# After a close frame a client's own is waited for, and what it still sends is thrown away: were
# the socket closed at once, unread bytes would make the kernel drop what was sent last.
LINGER_SECONDS = 2.0
# What the kernel takes for a client beyond what that has room for. By default it is megabytes,
# which a slow client would get as old news, and which hide for minutes whether it reads at all.
UNSENT_BYTES = 64 * 1024
_UNSENT_OPTION = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # Linux and macOS have it
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class HeldSocket:
    """A socket with the place that it holds."""

    __slots__ = ("sock", "place")

    def __init__(self, sock: socket.socket, place: Place) -> None:
        self.sock = sock
        self.place = place

    @classmethod
    def taken_from(cls, environ: dict[str, Any]) -> "tuple[HeldSocket, bytes]":
        """The socket of a request, and what has been read from it beyond that; raises OSError
        where the client has gone."""
        sock, place, early = environ[EXCHANGE].take_over()
        if _UNSENT_OPTION is not None:
            sock.setsockopt(socket.IPPROTO_TCP, _UNSENT_OPTION, UNSENT_BYTES)
        return cls(sock, place), early

    def close(self, reset: bool = False) -> None:
        """Close now, and let another connection have the place. `reset` throws away what the
        kernel still has for the client."""
        if reset:
            with contextlib.suppress(OSError):
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.sock.close()
        self.place.release()

    def part(self, last: bytes) -> None:
        """Send last words, and close once the client has."""
        try:
            self.sock.send(last)
        except OSError:
            self.close()  # the client has gone already; there is nobody to be told
        else:
            self.linger()

    def linger(self) -> None:
        """Close once the client has, or after `LINGER_SECONDS`."""
        sock = self.sock
        try:
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()
            return

        def finish() -> None:
            if sock.fileno() < 0:
                return  # the other of the two ways here was taken before
            green.unwatch(watch)
            timer.cancel()
            self.close()

        def discard(_fileno: int) -> None:
            try:
                if sock.recv(RECEIVE_BYTES):
                    return
            except BlockingIOError:
                return
            except OSError:
                pass  # reset by the client: closed all the same
            finish()

        watch = green.when_readable(sock.fileno(), discard)
        timer = green.call_later(LINGER_SECONDS, finish)


class EndWatch:
    """Notices that the client of a request that waits for its answer has gone: `left` is called
    once, by the hub."""

    __slots__ = ("_sock", "_left", "_watch")

    def __init__(self, sock: socket.socket, left: Callable[[], None]) -> None:
        self._sock = sock
        self._left = left
        self._watch: green.Watch | None = green.when_readable(sock.fileno(), self._readable)

    def stop(self) -> None:
        """Look no more; the socket is still open."""
        if self._watch is not None:
            green.unwatch(self._watch)
            self._watch = None

    def _readable(self, _fileno: int) -> None:
        if self._watch is None:
            return  # the hub had gathered this call before the watch was ended
        try:
            gone = not self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            gone = True
        self.stop()  # what else there is to read is the next request, whose time will come
        if gone:
            self._left()
