"""Another epoch has begun: everybody is told so before anything that is said in it."""

from collections.abc import Callable
from typing import Any

from backend.journal.log import Entry, Log
from backend.protocol import Payload

_LOOK_SECONDS = 0.01


class Renewal:
    """Stands between the log and whoever sends what is said: while clients are told, one after the
    other, that something may be missing, what is said waits for them all."""

    def __init__(
        self,
        log: Log,
        place: Callable[[], Payload],
        tell: Callable[[Payload], None],
        send: Callable[[Entry], None],
        spawn: Callable[..., Any],
        sleep: Callable[[float], None],
    ) -> None:
        """`tell` tells all clients where they stand, and `send` sends what was said; both may wait.
        `place` is where whoever has everything stands, `spawn` runs a background task."""
        self._log = log
        self._place = place
        self._tell = tell
        self._send = send
        self._spawn = spawn
        self._sleep = sleep
        self._begun: list[Payload] = []
        # What is said in the time that telling takes, which is seconds with thousands of clients.
        self._held: list[Entry] = []
        self._telling = False
        log.on_renewal(self._begin)
        log.on_entry(self._read)

    @property
    def sent(self) -> int:
        """The offset of what was sent last of what was said."""
        return self._held[0].offset - 1 if self._held else self._log.last

    def wait(self) -> None:
        """Until everybody has been told: who is told something else comes after that."""
        while self._telling:
            self._sleep(_LOOK_SECONDS)

    def _begin(self) -> None:
        # What was held of an epoch that is over is what may be missing.
        self._held.clear()
        self._begun.append(self._place())
        if not self._telling:
            self._telling = True
            self._spawn(self._run)

    def _run(self) -> None:
        try:
            while self._begun or self._held:
                if self._begun:
                    self._tell(self._begun.pop(0))
                else:
                    self._send(self._held.pop(0))
        finally:
            self._telling = False

    def _read(self, entry: Entry) -> None:
        if self._telling:
            self._held.append(entry)
        else:
            self._send(entry)
