"""The pace of work that can wait: what reads hundreds of symbols anew leaves the feed its time."""

from collections.abc import Callable

from backend.clock import Clock

# The longest rest. Whoever has waited for something before it paused has not worked all that time.
REST_MAX_S = 0.005


class Pace:
    """Called by one task now and then, it rests for as long as was worked since: so the task takes
    half of the hub's time at most, where a mere turn for everybody else would give the feed a
    slice between two of its own."""

    def __init__(self, sleep: Callable[[float], None], clock: Clock) -> None:
        self._sleep = sleep
        self._clock = clock
        self._resumed_at = clock.monotonic()

    def __call__(self) -> None:
        worked_s = self._clock.monotonic() - self._resumed_at
        self._sleep(min(worked_s, REST_MAX_S))
        self._resumed_at = self._clock.monotonic()
