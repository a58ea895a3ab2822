"""The real `app.py`, holding things that it gives back at its end as the words of `HOLDS` say."""

# Before anything else: it patches the standard library.
import app as entry

# isort: split
import os
import sys
from collections.abc import Callable
from pathlib import Path

from flask import Flask

from backend import green
from backend.clock import Clock
from backend.config import Settings
from tests.adjusted_app import adjust_all

# Longer than a process may take to end.
LONG_SECONDS = 120.0


def given_back() -> None:
    Path("given_back").touch()


def fails() -> None:
    raise OSError("nobody takes it")


def hangs() -> None:
    green.sleep(LONG_SECONDS)


def stuck() -> None:
    """Stops everything, the hub too."""
    green.native("time").sleep(LONG_SECONDS)


HOLDS: dict[str, Callable[[], None]] = {
    hook.__name__: hook for hook in (given_back, fails, hangs, stuck)
}


def main() -> int:
    build = entry.create_app

    def create_app(settings: Settings, clock: Clock | None = None) -> Flask:
        app = build(settings, clock)
        held = app.extensions["crs"].give_back
        held.extend(HOLDS[word] for word in os.environ["HOLDS"].split(","))
        return app

    adjust_all()
    entry.create_app = create_app
    return entry.main()


if __name__ == "__main__":
    sys.exit(main())
