"""JSON for the wire, in the shape that python-socketio asks of a `json` module."""

from typing import Any

import orjson

from backend.fanout.wire.pieces import Joined


def encode(value: Any) -> bytes:
    """Compact JSON. NaN becomes null, which the stdlib would write as a word that no other
    parser reads. Raises TypeError for what JSON has no form for."""
    return orjson.dumps(value, default=_joined)


def dumps(value: Any, **_stdlib_options: Any) -> str:
    """The same as text. The stdlib's options (`separators`) are what orjson does anyway."""
    return encode(value).decode()


def loads(text: str | bytes, **_stdlib_options: Any) -> Any:
    """The value of a JSON text; raises ValueError on anything else."""
    return orjson.loads(text)


def _joined(value: Any) -> orjson.Fragment:
    if isinstance(value, Joined):
        return orjson.Fragment(value.json())
    raise TypeError(f"{type(value).__name__} has no form in JSON")
