"""Reads a socket whenever the hub says that there is something, and it is the sender's turn."""

import socket
from typing import Protocol

from backend import green
from backend.http.activity import RECEIVE_BYTES
from backend.http.socket_watch import SocketWatch
from backend.turns import Share, Turns


class Receiver(Protocol):
    """Whose socket it is. Called by the hub, so that none of it may wait."""

    def received(self, data: bytes) -> bool:
        """Bytes have come; none: go on with those that came before. Whether some of them are left
        for another turn."""

    def overdo(self) -> None:
        """The other side has sent more than is served for so long that it never will be."""

    def lose(self) -> None:
        """The other side has ended the connection, or it has failed."""


class SocketReader(SocketWatch):
    """Hands what comes to a `Receiver`, and stops where that asks it to.

    What comes meanwhile is left to the kernel, so that a client that sends faster than it is
    served is slowed down by TCP.
    """

    __slots__ = (
        "_receiver",
        "_turns",
        "_share",
        "_held",
        "_ended",
        "_more",
        "_queued",
    )

    def __init__(self, sock: socket.socket, receiver: Receiver, turns: Turns, share: Share) -> None:
        super().__init__(sock)
        self._receiver = receiver
        self._turns = turns
        self._share = share
        self._held = False
        self._ended = False
        self._more = False
        self._queued = False

    def start(self, more: bool = False) -> None:
        """Read on, from the hub's next turn. `more`: the receiver has something to begin with."""
        self._held = False
        self._more = self._more or more
        if self._ended or self._queued:
            return
        if self._more:
            green.call_soon(self._go_on)
        else:
            self._watch_socket()

    def hold(self) -> None:
        """Read no more for now. Costs nothing where nothing comes before `start`."""
        self._held = True

    def end(self) -> None:
        """Read no more, ever."""
        self._ended = True
        self._unwatch()

    def _go_on(self) -> None:
        if self._ended or self._held or self._queued:
            return
        if self._more:
            self._ask()
        else:
            self._watch_socket()

    def _ready(self) -> None:
        if self._held:
            self._unwatch()
        else:
            self._ask()

    def _ask(self) -> None:
        self._queued = True
        if not self._turns.take(self._share, self._turn):
            self._unwatch()  # until its turn it would be called again and again

    def _turn(self) -> None:
        self._queued = False
        if self._ended or self._held:
            return
        data = b""
        if not self._more:
            try:
                data = self._sock.recv(RECEIVE_BYTES)
            except BlockingIOError:
                self._go_on()
                return
            except OSError:
                data = b""
            if not data:
                self._receiver.lose()
                return
        self._more = self._receiver.received(data)
        if self._ended:
            return
        if self._turns.left_over(self._share, self._more or len(data) == RECEIVE_BYTES):
            self._receiver.overdo()
        elif self._more and not self._held:
            self._unwatch()
            green.call_soon(self._go_on)
        else:
            self._go_on()
