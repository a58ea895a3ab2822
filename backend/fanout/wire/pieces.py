"""Objects put together of members that are encoded once and used in many.

A tick sends each basket of symbols an object of its own, but a symbol's part is the same in all:
it is encoded once, in each format somebody needs, and the objects are joined from those bytes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from operator import itemgetter
from typing import Any, NamedTuple

import msgpack
import orjson


class Pieces:
    """Members of objects by their names, encoded at most once in each format."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    @cached_property
    def json(self) -> dict[str, bytes]:
        """`"name":value` by name."""
        return {name: orjson.dumps({name: value})[1:-1] for name, value in self._values.items()}

    @cached_property
    def msgpack(self) -> dict[str, bytes]:
        """The name and the value, one after the other, by name."""
        return {
            name: msgpack.packb(name) + msgpack.packb(value) for name, value in self._values.items()
        }


class Selection:
    """Names of members, kept to be taken out of the pieces of one tick after another."""

    __slots__ = ("names", "_take")

    def __init__(self, names: tuple[str, ...]) -> None:
        self.names = names
        # With one name the stdlib's returns the value itself.
        self._take: Callable[[Mapping[str, bytes]], Sequence[bytes]] = (
            itemgetter(*names) if len(names) > 1 else self._present
        )

    def of(self, encoded: Mapping[str, bytes]) -> Sequence[bytes]:
        """The members that there are."""
        try:
            return self._take(encoded)
        except KeyError:
            return self._present(encoded)

    def _present(self, encoded: Mapping[str, bytes]) -> list[bytes]:
        return [encoded[name] for name in self.names if name in encoded]


@dataclass(slots=True)
class Basket:
    """A room whose events are objects of the members that `selection` names."""

    room: str
    selection: Selection


class Sent(NamedTuple):
    """What became of an event to many baskets."""

    events: int
    deliveries: int


class Joined:
    """An object of pieces, as the payload of an event. Any engine can send it: `codec` knows
    how to put it into JSON."""

    __slots__ = ("_pieces", "_selection")

    def __init__(self, pieces: Pieces, selection: Selection) -> None:
        self._pieces = pieces
        self._selection = selection

    def json(self) -> bytes:
        return b"{" + b",".join(self._selection.of(self._pieces.json)) + b"}"

    def msgpack(self) -> bytes:
        members = self._selection.of(self._pieces.msgpack)
        head: bytes = msgpack.Packer().pack_map_header(len(members))
        return head + b"".join(members)
