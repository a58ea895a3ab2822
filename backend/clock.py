"""Time, passed in wherever it is read, so that tests neither sleep nor flake.

All instants are UTC milliseconds since the Unix epoch, as exchanges give them; durations are
seconds. `iso` is the one way in which an instant leaves the process.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Protocol

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
DAY_MINUTES = DAY_MS // MINUTE_MS


class Clock(Protocol):
    """A source of wall time and of a time that never goes backwards."""

    def now_ms(self) -> int:
        """Wall time, UTC milliseconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds from an arbitrary start; only differences mean anything."""


class SystemClock:
    """The machine's clock."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()


def wait_until(
    condition: Callable[[], bool], seconds: float, step: float, sleep: Callable[[float], None]
) -> bool:
    """Sleep, `step` by `step`, until `condition` holds or `seconds` have been slept; whether it
    holds. What the condition itself waits for comes on top."""
    slept = 0.0
    while not (holds := condition()) and slept < seconds:
        sleep(step)
        slept += step
    return holds


def iso(time_ms: int) -> str:
    """ISO 8601 in UTC with milliseconds and `Z`, such as `2026-11-23T10:30:00.000Z`."""
    seconds, milliseconds = divmod(time_ms, 1000)
    return f"{_iso_second(seconds)}.{milliseconds:03d}Z"


# Most instants that leave the process in a second are of this second or of a few before it, and
# one takes as long as all else in a small event.
@lru_cache(maxsize=16)
def _iso_second(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
