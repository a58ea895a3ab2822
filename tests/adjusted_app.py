"""The real `app.py`, with constants of its modules as the JSON object in `ADJUSTED` says, so that a
test sees within seconds what users see within half a minute."""

# Before anything else: it patches the standard library.
import app as entry

# isort: split
import importlib
import json
import os
import sys


def adjust(place: str, value: float) -> None:
    """Set a constant where it is used, such as `backend.server.END_SECONDS`; it has to be there."""
    module_name, _, name = place.rpartition(".")
    module = importlib.import_module(module_name)
    if not isinstance(getattr(module, name), (int, float)):
        raise TypeError(f"{place} is no number")
    setattr(module, name, value)


def adjust_all() -> None:
    """Set all that `ADJUSTED` names."""
    for place, value in json.loads(os.environ.get("ADJUSTED", "{}")).items():
        adjust(place, value)


if __name__ == "__main__":
    adjust_all()
    sys.exit(entry.main())
