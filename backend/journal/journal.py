"""What is said goes into the journal, once; what is sent is read from it.

So one process and twenty run the same code: in one process what is said is read at once, with
several it is read by each of them, in one order and with one content.
"""

from typing import Any, Protocol

from backend.journal.log import Log


class NotSaid(Exception):
    """It can't be said now: what keeps the journal is out of reach, or this process does not lead
    any more. Nothing was appended."""


class Journal(Protocol):
    """One of `memory.MemoryJournal` and `redis_journal.RedisJournal`."""

    @property
    def log(self) -> Log:
        """What this process has read."""

    def say(self, event: str, topic: str | None, payload: dict[str, Any]) -> None:
        """Append to what clients may resume; `topic` is a symbol, or None for everybody. Raises
        `NotSaid`."""

    def wait_for(self, offset: int) -> None:
        """Wait a little for what is on its way up to `offset`, as far as it is not read yet."""
