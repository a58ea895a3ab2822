"""Objects put together of members that are encoded once and used in many.

A tick sends each basket of symbols an object of its own, but a symbol's part is the same in all:
it is encoded once, in each format somebody needs, and the objects are joined from those bytes.
"""

from collections.abc import Sequence
from typing import Any

import msgpack
import orjson


class Piece:
    """One member of an object: a name and a value, encoded at most once in each format."""

    __slots__ = ("name", "value", "_json", "_msgpack")

    def __init__(self, name: str, value: Any) -> None:
        self.name = name
        self.value = value
        self._json: bytes | None = None
        self._msgpack: bytes | None = None

    @property
    def json(self) -> bytes:
        """`"name":value`"""
        if self._json is None:
            self._json = orjson.dumps({self.name: self.value})[1:-1]
        return self._json

    @property
    def msgpack(self) -> bytes:
        """The name and the value, one after the other."""
        if self._msgpack is None:
            self._msgpack = msgpack.packb(self.name) + msgpack.packb(self.value)
        return self._msgpack


class Joined:
    """An object of pieces, as the payload of an event. Any engine can send it: `fanout.codec`
    knows how to put it into JSON."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self.pieces = pieces

    def json(self) -> bytes:
        return b"{" + b",".join([piece.json for piece in self.pieces]) + b"}"

    def msgpack(self) -> bytes:
        head: bytes = msgpack.Packer().pack_map_header(len(self.pieces))
        return head + b"".join([piece.msgpack for piece in self.pieces])
