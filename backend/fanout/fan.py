"""Sending one message to many connections, or many to one each, without holding the hub."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from backend import green
from backend.fanout.sessions.connection import Connection
from backend.fanout.sessions.outbound import REFUSED
from backend.fanout.wire.message import Message

# A large room is written to in slices of this length; other connections are served in between.
SLICE_SECONDS = 0.001
# How many writes pass between looks at the clock.
_LOOK_EVERY = 16

T = TypeVar("T")


def in_slices(
    items: Iterable[T], clock: Callable[[], float], rest: Callable[[], Any]
) -> Iterator[T]:
    """The items one by one; `rest` is called whenever working on them has taken a slice."""
    end = clock() + SLICE_SECONDS
    for item in items:
        if clock() >= end:
            rest()
            end = clock() + SLICE_SECONDS
        yield item


class _Delivery:
    """A message on its way to a room: `connections` from `at` on have not got it yet, but for
    those in `served`."""

    __slots__ = ("message", "connections", "at", "served", "_places")

    def __init__(self, message: Message, connections: list[Connection]) -> None:
        self.message = message
        self.connections = connections
        self.at = 0
        self.served: set[Connection] = set()
        self._places: dict[Connection, int] | None = None

    def write(self, stop: int) -> None:
        """Go on to `connections[stop]`. The innermost loop of all: of a connection nothing is
        touched but what its write needs."""
        message, connections, served = self.message, self.connections, self.served
        form, data, size = -1, b"", 0
        for at in range(self.at, min(stop, len(connections))):
            connection = connections[at]
            if served and connection in served:
                continue
            if connection.form != form:
                form = connection.form
                data = message.render(form)
                size = len(data)
            try:
                sent = connection.write(data)
            except OSError as error:
                connection.failed(data, error)
                continue
            if sent != size:
                if sent == REFUSED:
                    connection.hold(message)
                else:
                    connection.cut(data, sent)
        self.at = stop

    def serve(self, connection: Connection) -> None:
        """Send ahead of its turn, where the connection is still waiting."""
        if self._places is None:
            self._places = {connection: at for at, connection in enumerate(self.connections)}
        if self._places.get(connection, -1) >= self.at and connection not in self.served:
            self.served.add(connection)
            connection.send(self.message)


class Fan:
    """Writes messages to connections, each connection's in the order in which they were sent.

    Sending to a room may yield before all of it is reached. Whatever is sent to one of those
    still waiting in the meantime first brings it what it waits for, so that nothing is overtaken.
    Who writes to a connection without `send` or `send_all` looks first whether any delivery is
    `unfinished`.
    """

    def __init__(self, clock: Callable[[], float], pause: Callable[[], Any]) -> None:
        self._clock = clock
        self._pause = pause
        self.unfinished: list[_Delivery] = []

    def send(self, connection: Connection, message: Message) -> None:
        """Send to one connection."""
        if self.unfinished:
            self._catch_up((connection,))
        connection.send(message)

    def send_all(self, connections: Iterable[Connection], message: Message) -> None:
        """Send to those that are among `connections` now. May yield."""
        delivery = _Delivery(message, list(connections))
        self._catch_up(delivery.connections)
        self.unfinished.append(delivery)
        try:
            for at in self.in_slices(range(0, len(delivery.connections), _LOOK_EVERY)):
                delivery.write(at + _LOOK_EVERY)
        finally:
            self.unfinished.remove(delivery)

    def _catch_up(self, connections: Iterable[Connection]) -> None:
        """Bring connections all that is on its way to them."""
        for delivery in self.unfinished:
            for connection in connections:
                delivery.serve(connection)

    def _rest(self) -> None:
        """Let others run, where that is possible."""
        if not green.in_hub():
            self._pause()

    def in_slices(self, items: Iterable[T]) -> Iterator[T]:
        """The items one by one, with rests in between."""
        return in_slices(items, self._clock, self._rest)
