"""The real `app.py`, with constants of its modules as the JSON object in `ADJUSTED` says, each by the
module that uses it: what users wait for in half a minute, a test sees in a few seconds."""

# Before anything else: it patches the standard library.
import app as entry

# isort: split
import importlib
import json
import os
import sys


def adjust(place: str, value: float) -> None:
    """Set a constant, such as `backend.server.END_SECONDS`, which has to be there."""
    module_name, _, name = place.rpartition(".")
    module = importlib.import_module(module_name)
    if not isinstance(getattr(module, name), (int, float)):
        raise TypeError(f"{place} is no number")
    setattr(module, name, value)


if __name__ == "__main__":
    for place, value in json.loads(os.environ["ADJUSTED"]).items():
        adjust(place, value)
    sys.exit(entry.main())
