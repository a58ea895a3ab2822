"""The journal of one process: what is said is read at once."""

import secrets
from typing import Any

from backend.journal.log import Entry, Log, pack

# Enough that no two starts are taken for one another.
_EPOCH_BYTES = 8


def new_epoch() -> str:
    """A name that no other epoch has."""
    return secrets.token_hex(_EPOCH_BYTES)


class MemoryJournal:
    """Ends with its process, so that each start is an epoch of its own."""

    def __init__(self) -> None:
        self.log = Log(new_epoch())

    def say(self, event: str, topic: str | None, payload: dict[str, Any]) -> None:
        """Append, and have it read."""
        self.log.add(Entry(self.log.last + 1, event, topic, pack(payload)))

    def wait_for(self, offset: int) -> None:
        """Nothing is on its way: what was said here was read here."""
