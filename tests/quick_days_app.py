"""The real `app.py`, where an added symbol is kept for two seconds in place of a day, and looked at
five times in one."""

# Before anything else: it patches the standard library.
import app as entry

# isort: split
import sys

from backend.assembly import symbols
from backend.streaming import added_symbols

added_symbols.KEPT_MS = 2_000
added_symbols.NOTE_MS = 200
symbols.LOOK_SECONDS = 0.2  # type: ignore[misc]

if __name__ == "__main__":
    sys.exit(entry.main())
