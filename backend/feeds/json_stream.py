"""Reads a long JSON answer piece by piece: decoding megabytes at once would hold everybody up."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import ijson

# Decoded at once, in some 0.3 ms.
PIECE_BYTES = 8 * 1024


def json_items(
    chunks: Iterable[bytes], prefix: str, pause: Callable[[], object]
) -> Iterator[dict[str, Any]]:
    """The objects in the array at `prefix`, as ijson has it (`symbols.item`), or with a prefix that
    ends otherwise those that an object has there as members. Calls `pause` after each piece. Raises
    ValueError for what is no such JSON."""
    found = ijson.sendable_list()
    of_array = prefix.split(".")[-1] == "item"
    parser = (ijson.items_coro if of_array else ijson.kvitems_coro)(found, prefix)
    try:
        for chunk in chunks:
            for begin in range(0, len(chunk), PIECE_BYTES):
                parser.send(chunk[begin : begin + PIECE_BYTES])
                yield from _objects(found if of_array else (value for _, value in found))
                del found[:]
                pause()
        parser.close()
    except ijson.JSONError as error:
        raise ValueError(f"not the JSON that was asked for: {error}") from error
    yield from _objects(found if of_array else (value for _, value in found))


def _objects(found: Iterable[Any]) -> Iterator[dict[str, Any]]:
    for each in found:
        if not isinstance(each, dict):
            raise ValueError(f"not an object: {str(each)[:40]!r}")
        yield each
