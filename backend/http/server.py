"""Accepts connections, and goes on accepting whatever happens."""

import contextlib
import errno
import logging
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from backend import green
from backend.http.activity import Activity
from backend.http.addresses import network_of
from backend.http.connection import Address, Application, HttpConnection
from backend.http.newcomer import Newcomer
from backend.http.places import Place, Places
from backend.turns import Share, Turns

logger = logging.getLogger(__name__)

# Accepted before others have a turn: taking one from the kernel takes 40 us.
ACCEPTED_AT_ONCE = 16
# What accepting is charged, to strangers as a whole.
ACCEPT_COST_SECONDS = 0.00004
# When there are no descriptors left, a while passes before the next try: they come back one by one.
EXHAUSTED_PAUSE_SECONDS = 0.1
# Taken from the kernel at the end: twice what it holds, lest a flood keep the process from ending.
LAST_ACCEPTED_MAX = 8_192
# Between two looks whether the last requests have been answered.
LOOK_SECONDS = 0.02
_EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
# Sent, at no cost but this, where there is no place.
RETRY_AFTER_SECONDS = 5
_FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
    b"Retry-After: %d\r\nConnection: close\r\nContent-Length: 65\r\n\r\n"
    b'{"error":{"code":"unavailable","message":"All places are taken"}}' % RETRY_AFTER_SECONDS
)

# Why a connection was not taken, or could not be, as `on_refused` is told.
NO_PLACE, NO_DESCRIPTOR = "connections", "descriptors"


class HttpServer:
    """Serves a WSGI application on a listener, each connection in a greenlet from its first request
    on and for as long as it speaks HTTP."""

    def __init__(
        self,
        app: Application,
        places: Places,
        turns: Turns,
        on_refused: Callable[[str], None],
        errors: Any,
    ) -> None:
        """`on_refused` is told which limit a connection ran into; `errors` is `wsgi.errors`."""
        self._app = app
        self._places = places
        self._turns = turns
        self._on_refused = on_refused
        self._errors = errors
        self._listener: Any = None
        self._activity = Activity()
        self._exhausted = False

    def start(self, listener: Any) -> None:
        """Accept from now on, in a greenlet of its own."""
        self._listener = listener
        green.spawn(self._accept_all)

    def stop(self) -> None:
        """Accept nobody any more; connections that are open go on to the end of their request.

        Those whom the kernel has accepted are taken first: it would reset them, and a proxy could
        not tell whether their requests have been served.
        """
        self._activity.closing = True
        for _ in range(LAST_ACCEPTED_MAX // ACCEPTED_AT_ONCE):
            if not green.readable(self._listener.fileno()):
                break
            green.pause()
        self._listener.close()

    def finish(self, seconds: float) -> None:
        """Let requests that have begun be answered, for so long."""
        deadline = time.monotonic() + seconds
        green.sleep(LOOK_SECONDS)
        while self._activity.busy and time.monotonic() < deadline:
            green.sleep(LOOK_SECONDS)

    def _accept_all(self) -> None:
        while True:
            self._wait()
            try:
                for _ in range(ACCEPTED_AT_ONCE):
                    self._accept()
            except OSError as error:
                if self._activity.closing:
                    return
                self._failed(error)
            except Exception:
                logger.exception("Accepting a connection failed; the next is waited for")

    def _wait(self) -> None:
        """Wait for the turn to take newcomers in."""
        seconds = ACCEPTED_AT_ONCE * ACCEPT_COST_SECONDS
        if not self._places.spare_one():
            # In line with the strangers that have asked for something already, whose places they
            # would take; these are served first.
            self._turns.wait(Share(), seconds)
            green.pause()
            return
        # Turn about with them: were they all served first, an honest newcomer would wait in the
        # kernel's line behind thousands.
        turn = green.Event()
        self._turns.arrive(turn.send, seconds)
        turn.wait()

    def _accept(self) -> None:
        sock, address = green.accept(self._listener)
        self._exhausted = False
        try:
            place = self._places.take(network_of(address[0]))
            if place is None:
                self._on_refused(NO_PLACE)
                _turn_away(sock)
                return
            local = sock.getsockname()
        except OSError:
            sock.close()
            raise
        begin = partial(self._serve, sock, address[:2], local[:2], place)
        Newcomer(sock, place, self._turns, self._activity, begin)

    def _serve(self, sock: Any, address: Address, local: Address, place: Place) -> None:
        """Serve a connection whose first request has begun to come, and has its turn."""
        parts = self._app, self._turns, self._errors, self._activity
        green.spawn(HttpConnection(sock, address, local, place, *parts).run)

    def _failed(self, error: OSError) -> None:
        """A client that has gone before it was accepted is nothing; no descriptors are."""
        if error.errno not in _EXHAUSTED:
            return
        self._on_refused(NO_DESCRIPTOR)
        if not self._exhausted:
            self._exhausted = True
            logger.error("No connection can be accepted: %s; trying again", error.strerror)
        green.sleep(EXHAUSTED_PAUSE_SECONDS)


def _turn_away(sock: Any) -> None:
    """Say that there is no place, without waiting for anything."""
    raw = green.raw_socket(sock)
    with contextlib.suppress(OSError):
        raw.send(_FULL)
        raw.shutdown(socket.SHUT_WR)
        raw.recv(16 * 1024)  # what is unread when it closes would make the kernel drop the answer
    sock.close()
