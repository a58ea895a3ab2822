"""Reads a socket whenever the hub says that there is something."""

import socket
from typing import Protocol

from backend import green
from backend.fanout.sessions.sockets import RECEIVE_BYTES


class Receiver(Protocol):
    """Whose socket it is."""

    def received(self, data: bytes) -> None:
        """Bytes have come. Called by the hub."""

    def lose(self) -> None:
        """The other side has ended the connection, or it has failed. Called by the hub."""


class SocketReader:
    """Hands what comes to a `Receiver`, and stops where that asks it to."""

    __slots__ = ("_sock", "_receiver", "_watch", "_held", "_ended")

    def __init__(self, sock: socket.socket, receiver: Receiver) -> None:
        self._sock = sock
        self._receiver = receiver
        self._watch: green.Watch | None = None
        self._held = False
        self._ended = False

    def start(self) -> None:
        """Read on, from the hub's next turn."""
        self._held = False
        if self._watch is None and not self._ended:
            green.call_soon(self._listen)

    def hold(self) -> None:
        """Leave what comes from now on to the kernel: a client that sends faster than it is
        served is slowed down by TCP. Costs nothing where nothing comes before `start`."""
        self._held = True

    def end(self) -> None:
        """Read no more, ever."""
        self._ended = True
        self._unwatch()

    def _listen(self) -> None:
        if self._watch is None and not self._ended:
            self._watch = green.when_readable(self._sock.fileno(), self._readable)

    def _unwatch(self) -> None:
        if self._watch is not None:
            green.unwatch(self._watch)
            self._watch = None

    def _readable(self, _fileno: int) -> None:
        if self._watch is None:
            return  # the hub had gathered this call before the watch was ended
        if self._held:
            self._unwatch()
            return
        try:
            data = self._sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            self._receiver.received(data)
        else:
            self._receiver.lose()
