"""JSON for the wire, in the shape that python-socketio asks of a `json` module."""

from typing import Any

import orjson


def dumps(value: Any, **_stdlib_options: Any) -> str:
    """Compact JSON. NaN becomes null, which the stdlib would write as a word that no other
    parser reads. The stdlib's options (`separators`) are what orjson does anyway."""
    return orjson.dumps(value).decode()


def loads(text: str | bytes, **_stdlib_options: Any) -> Any:
    """The value of a JSON text; raises ValueError on anything else."""
    return orjson.loads(text)
