"""What has been said, in order, as far as this process knows: the window that clients resume from.

An offset is an entry's place. Offsets grow by one and belong to an epoch; a new epoch begins
whenever something that was said may have been lost, and then no old place means anything.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import msgpack

from backend.protocol import Place

# Some six hours of 20 symbols, each of which says something once a minute at least; packed, as
# they are kept, 300 bytes each.
KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was said: `event` is its name on the wire, `topic` the symbol that it is
    about, or None where it is for everybody, and `packed` the payload as msgpack."""

    offset: int
    event: str
    topic: str | None
    packed: bytes

    def payload(self) -> dict[str, Any]:
        """What clients are sent, with its place."""
        payload = cast(dict[str, Any], msgpack.unpackb(self.packed))
        payload["offset"] = self.offset
        return payload


def pack(payload: dict[str, Any]) -> bytes:
    """A payload as an entry holds it."""
    return cast(bytes, msgpack.packb(payload))


class Log:
    """The newest `kept` entries, and who is told of each that comes: in the order in which they
    asked to be. One that waits, as who sends it to thousands does, asks last."""

    def __init__(self, epoch: str, kept: int = KEPT) -> None:
        self.epoch = epoch
        self._entries: deque[Entry] = deque(maxlen=kept)
        # The offset before that of the first entry that could still be known.
        self._base = 0
        self._readers: list[Callable[[Entry], None]] = []
        self._renewals: list[Callable[[], None]] = []

    @property
    def last(self) -> int:
        """The newest offset; 0 before anything was said."""
        return self._entries[-1].offset if self._entries else self._base

    def place(self, entry: Entry) -> str:
        """The place of an entry, for those that can be recovered."""
        return str(Place(self.epoch, entry.offset))

    def on_entry(self, reader: Callable[[Entry], None]) -> None:
        """Call `reader(entry)` for each entry that comes."""
        self._readers.append(reader)

    def on_renewal(self, listener: Callable[[], None]) -> None:
        """Call `listener()` when another epoch has begun."""
        self._renewals.append(listener)

    def add(self, entry: Entry) -> None:
        """Take in the entry after the last one; raises ValueError for any other."""
        if entry.offset != self.last + 1:
            raise ValueError(f"entry {entry.offset} after {self.last}")
        self._entries.append(entry)
        for reader in self._readers:
            reader(entry)

    def begin(self, epoch: str, base: int, entries: Iterable[Entry] = ()) -> None:
        """Forget everything: an epoch goes on after offset `base`, of which `entries`, the newest
        in their order, are known. No reader is told of them."""
        self._entries.clear()
        self._entries.extend(entries)
        self.epoch, self._base = epoch, base
        for listener in self._renewals:
            listener()

    def known(self) -> Iterable[Entry]:
        """All entries that are known, in order."""
        return iter(self._entries)

    def since(self, offset: int) -> list[Entry] | None:
        """The entries after `offset`; None where some of them are not known any more, or none can
        be after it, as it was not given yet."""
        first = self._entries[0].offset if self._entries else self._base + 1
        if not first - 1 <= offset <= self.last:
            return None
        return list(itertools.islice(self._entries, offset + 1 - first, None))
