"""Sending one message to many connections without holding the hub."""

from collections.abc import Callable, Collection
from itertools import islice
from typing import Any

import eventlet
from eventlet.hubs import get_hub

from backend.fanout.connection import Connection
from backend.fanout.message import Message

# A large room is written to in slices of this length; other connections are served in between.
SLICE_SECONDS = 0.001
# How many writes pass between looks at the clock.
_LOOK_EVERY = 16


class _Unfinished:
    """A message on its way to a room, and the connections that it has not reached yet."""

    __slots__ = ("message", "waiting")

    def __init__(self, message: Message, waiting: dict[Connection, None]) -> None:
        self.message = message
        self.waiting = waiting


class Fan:
    """Writes messages to connections, each connection's in the order in which they were sent.

    Sending to a room may yield before all of it is reached. Whatever is sent to one of those
    still waiting in the meantime first brings it what it waits for, so that nothing is overtaken.
    """

    def __init__(self, clock: Callable[[], float], pause: Callable[[], Any]) -> None:
        self._clock = clock
        self._pause = pause
        self._unfinished: list[_Unfinished] = []

    def send(self, connection: Connection, message: Message) -> None:
        """Send to one connection."""
        if self._unfinished:
            self._catch_up(connection)
        connection.send(message)

    def send_all(self, connections: Collection[Connection], message: Message) -> None:
        """Send to all of `connections`, which may change while this yields; those that are in
        it now get the message."""
        if self._unfinished:
            for connection in connections:
                self._catch_up(connection)
        forms = message.forms
        slice_end = self._clock() + SLICE_SECONDS
        count = 0
        for connection in connections:
            count += 1
            if connection.blocked:
                connection.hold(message)
            else:
                data = forms[connection.form] or message.render(connection.form)
                try:
                    sent = connection.write(data)
                    if sent != len(data):
                        connection.cut(data, sent)
                except BlockingIOError:
                    connection.cut(data, 0)
                except OSError:
                    connection.lose()
            if count % _LOOK_EVERY == 0 and self._clock() >= slice_end:
                break
        else:
            return
        if count < len(connections):
            self._finish(message, dict.fromkeys(islice(connections, count, None)))

    def _finish(self, message: Message, waiting: dict[Connection, None]) -> None:
        """Send to those that are left, with pauses in between."""
        unfinished = _Unfinished(message, waiting)
        self._unfinished.append(unfinished)
        try:
            while waiting:
                if eventlet.getcurrent() is not get_hub().greenlet:
                    self._pause()
                slice_end = self._clock() + SLICE_SECONDS
                while waiting:
                    connection, _ = waiting.popitem()
                    connection.send(message)
                    if len(waiting) % _LOOK_EVERY == 0 and self._clock() >= slice_end:
                        break
        finally:
            self._unfinished.remove(unfinished)

    def _catch_up(self, connection: Connection) -> None:
        for unfinished in self._unfinished:
            if connection in unfinished.waiting:
                del unfinished.waiting[connection]
                connection.send(unfinished.message)
