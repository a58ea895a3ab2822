"""One connection's way out: what can be written at once is; what can't waits in the outbox until
the hub says that the socket takes more.
"""

import logging
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from backend import green
from backend.fanout.sessions.host import Host
from backend.fanout.sessions.outbox import Outbox
from backend.fanout.wire.message import DEFLATED, JSON, Message

logger = logging.getLogger(__name__)

# Written to a socket at once when several messages wait.
WRITE_BYTES = 64 * 1024
# What `Outbound.write` returns where nothing may be written.
REFUSED = -1


def refuse(_data: bytes) -> int:
    """In place of a socket's `send`: what is to be sent has to go through the outbox."""
    return REFUSED


class Outbound:
    """The sending half of a connection.

    `write` is the socket's own `send`, so that a tick to thousands costs no more than the system
    calls; or `refuse`, where messages have to go through the outbox: the session is polling,
    corked or closed, or its socket takes no more.
    """

    __slots__ = (
        "sid",
        "host",
        "form",
        "write",
        "closing",
        "polling",
        "_sock",
        "_writer",
        "_tail",
        "_outbox",
        "_progress",
        "_corked",
        "_flushed",
    )

    def __init__(self, host: Host[Any], sid: str) -> None:
        self.sid = sid
        self.host = host
        self.form = JSON
        self.write: Callable[[bytes], int] = refuse
        self.closing = False
        self.polling: Any = None
        self._sock: Any = None
        self._writer: green.Watch | None = None
        self._tail: memoryview | None = None
        self._outbox: Outbox | None = None
        self._progress = 0.0
        self._corked = False
        self._flushed: green.Event | None = None

    @abstractmethod
    def lose(self) -> None:
        """The transport has failed or ended: end the session. Safe to call from the hub."""

    @property
    def blocked(self) -> bool:
        """Whether messages have to go through the outbox."""
        return self.write is refuse

    def block(self) -> None:
        """Have everything from here on go through the outbox."""
        self.write = refuse

    def send(self, message: Message) -> None:
        """Write a message now, or as soon as all before it have been written."""
        if self.blocked or not self.push(message.forms[self.form] or message.render(self.form)):
            self.hold(message)

    def push(self, data: bytes) -> bool:
        """Write frames now; False where they have to wait behind others."""
        try:
            sent = self.write(data)
        except OSError as error:
            self.failed(data, error)
            return True
        if sent == REFUSED:
            return False
        if sent != len(data):
            self.cut(data, sent)
        return True

    def failed(self, data: bytes, error: OSError) -> None:
        """`write` raised: the socket is full, or broken."""
        if isinstance(error, BlockingIOError):
            self.cut(data, 0)
        else:
            self.lose()

    def cut(self, data: bytes, sent: int) -> None:
        """The socket took `sent` bytes and no more: go on when it does."""
        self.block()
        self._tail = memoryview(data)[sent:]
        self._progress = self.host.now()
        self.host.waits(self)
        self._writer = green.when_writable(self._sock.fileno(), self._writable)

    def hold(self, message: Message) -> None:
        """Keep a message for later."""
        if self.closing:
            return
        if self._outbox is None:
            self._outbox = Outbox()
        if not len(self._outbox) and self._tail is None:
            self._progress = self.host.now()
            self.host.waits(self)
        if not self._outbox.put(message, len(message.render(self.form & ~DEFLATED))):
            self.host.give_up(self)
        elif self.polling is not None:
            self.polling.wake()

    def cork(self) -> None:
        """Gather what is sent from here on, so that it goes out in one piece: the answer to a
        subscription is a dozen messages, and a system call costs more than all else in one."""
        if not self.blocked:
            self.block()
            self._corked = True

    def uncork(self) -> None:
        """Send what was gathered."""
        if not self._corked:
            return
        self._corked = False
        if self.closing or self._sock is None:
            return
        self.write = self._sock.send
        while not self.blocked and (data := self._batch()):
            self.push(data)
        if not self.blocked:
            self._outbox = None

    def unsent(self) -> int:
        """Messages that have not been handed to the kernel, or to a poll."""
        return (len(self._outbox) if self._outbox else 0) + (self._tail is not None)

    def stalled(self) -> float:
        """Seconds for which messages have waited without any of them getting away."""
        return self.host.now() - self._progress if self.unsent() else 0.0

    def flush(self) -> None:
        """Wait until what the client has asked for before has got away, where that is much: who
        asks for more than it reads is answered no faster than that."""
        while not self.closing and self._unsent_bytes() > WRITE_BYTES:
            self.uncork()
            if self._unsent_bytes() > WRITE_BYTES:
                self._flushed = green.Event()
                self._flushed.wait()

    def _unsent_bytes(self) -> int:
        tail = len(self._tail) if self._tail is not None else 0
        return tail + (self._outbox.kept_bytes if self._outbox is not None else 0)

    def _got_away(self) -> None:
        """Nothing is left that somebody could wait for in `flush`."""
        if self._flushed is not None:
            self._flushed.send()
            self._flushed = None

    def take(self) -> list[Message]:
        """All that waits, for a poll."""
        messages: list[Message] = []
        while self._outbox is not None and (message := self._outbox.pop()):
            messages.append(message)
        self._progress = self.host.now()
        self._got_away()
        return messages

    def _writable(self, _fileno: int) -> None:
        if self._writer is None:
            return  # the hub had gathered this call before the watch was ended
        try:
            self._drain()
        except BlockingIOError:
            return
        except OSError:
            self.lose()
        except Exception:
            logger.exception("Writing to a connection failed; it is closed")
            self.lose()

    def _drain(self) -> None:
        """Write what waits, until all is written or the socket takes no more."""
        while True:
            tail = self._tail
            if tail is None:
                batch = self._batch()
                if not batch:
                    break
                tail = memoryview(batch)
            self._tail = tail
            sent = self._sock.send(tail)
            self._progress = self.host.now()
            self._tail = tail[sent:] if sent < len(tail) else None
            if self._tail is not None:
                return
        self._outbox = None
        self._stop_writer()
        self.write = self._sock.send
        self._got_away()

    def _batch(self) -> bytes:
        parts, size = [], 0
        while self._outbox is not None and size < WRITE_BYTES and (message := self._outbox.pop()):
            parts.append(message.render(self.form))
            size += len(parts[-1])
        return b"".join(parts)

    def _stop_writer(self) -> None:
        if self._writer is not None:
            green.unwatch(self._writer)
            self._writer = None
