"""The real `app.py`, with a route at `GREENLETS_PATH` that says how many greenlets there are."""

# Before anything else: it patches the standard library.
import app as entry

# isort: split
import gc
import os
import sys

from flask import Flask
from greenlet import greenlet

from backend.clock import Clock
from backend.config import Settings


def count() -> dict[str, int]:
    """Greenlets that have not ended, this request's own included."""
    found = sum(isinstance(each, greenlet) and not each.dead for each in gc.get_objects())
    return {"greenlets": found}


def main() -> int:
    build = entry.create_app

    def create_app(settings: Settings, clock: Clock | None = None) -> Flask:
        app = build(settings, clock)
        app.add_url_rule(os.environ["GREENLETS_PATH"], "greenlets", count)
        return app

    entry.create_app = create_app
    return entry.main()


if __name__ == "__main__":
    sys.exit(main())
