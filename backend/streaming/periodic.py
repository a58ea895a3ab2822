"""Background loops that survive whatever happens in them."""

import logging
import math
from collections.abc import Callable
from typing import Any, Protocol

from backend.clock import Clock
from backend.metrics import Metrics
from backend.offload import Overloaded
from backend.storage.faults import StorageUnavailable

logger = logging.getLogger(__name__)

# Long enough that a fault at every start neither fills the log nor takes the processor.
RESTART_SECONDS = 5.0


class Periodic:
    """Calls `action` every `interval` seconds, the first time at once.

    An exception in `action` is counted, logged once per kind, and does not end the loop. Calls
    keep to the schedule of the start; those that a slow one has made impossible are left out.
    """

    def __init__(
        self,
        name: str,
        interval: float,
        action: Callable[[], object],
        sleep: Callable[[float], None],
        clock: Clock,
        metrics: Metrics,
    ) -> None:
        self.name = name
        self._interval = interval
        self._action = action
        self._sleep = sleep
        self._clock = clock
        self._metrics = metrics
        self._seen: set[type[Exception]] = set()
        self._stopped = False

    def run(self) -> None:
        """Loop until `stop`; meant to be the body of a background task."""
        due = self._clock.monotonic()
        while not self._stopped:
            self._call()
            now = self._clock.monotonic()
            missed = max(0.0, (now - due) // self._interval)
            due += (missed + 1) * self._interval
            self._sleep(due - now)

    def stop(self) -> None:
        """Let the loop end after its present sleep."""
        self._stopped = True

    def _call(self) -> None:
        try:
            self._action()
        except Exception as error:
            self._metrics.task_errors.labels(self.name).inc()
            # Exception types are a bounded set, so this set is bounded too.
            if type(error) not in self._seen:
                self._seen.add(type(error))
                # Of a database that is busy or away the place in the code tells nothing.
                expected = isinstance(error, StorageUnavailable | Overloaded)
                text = "Background task %s goes on after an error: %s"
                logger.error(text, self.name, error, exc_info=not expected)


class Relaxed:
    """An action that is called for often, and taken less often while there is no hurry."""

    def __init__(
        self,
        action: Callable[[], object],
        seconds: float,
        no_hurry: Callable[[], bool],
        clock: Clock,
    ) -> None:
        """While `no_hurry()`, `seconds` pass from one `action` to the next."""
        self._action = action
        self._seconds = seconds
        self._no_hurry = no_hurry
        self._clock = clock
        self._done_at = -math.inf

    def call(self) -> None:
        """Do it, if it is time to."""
        now = self._clock.monotonic()
        if now - self._done_at < self._seconds and self._no_hurry():
            return
        self._action()
        self._done_at = now


class Event(Protocol):
    """The part of `threading.Event` that is needed here."""

    def set(self) -> None: ...
    def clear(self) -> None: ...
    def wait(self) -> object: ...


class Prompted(Periodic):
    """Calls `action` when `prompt` has been called, and `interval` seconds apart at the least:
    for what is rarely needed, but then soon and often."""

    def __init__(self, event: Event, *periodic: Any) -> None:
        """`periodic` is what `Periodic` takes."""
        super().__init__(*periodic)
        self._event = event

    def prompt(self) -> None:
        """There is something to do."""
        self._event.set()

    def run(self) -> None:
        while True:
            self._event.wait()
            if self._stopped:
                return
            self._event.clear()
            self._call()
            self._sleep(self._interval)

    def stop(self) -> None:
        super().stop()
        self._event.set()


def supervise(
    name: str,
    run: Callable[[], None],
    stopped: Callable[[], bool],
    sleep: Callable[[float], None],
    metrics: Metrics,
) -> None:
    """Run something that is meant to go on for ever; start it again when it raises.

    `run` may return by itself: that is its end. Every exception is counted and logged, at most
    one each `RESTART_SECONDS`.
    """
    while not stopped():
        try:
            run()
            return
        except Exception:
            metrics.task_errors.labels(name).inc()
            logger.exception("Background task %s failed; it starts again", name)
            sleep(RESTART_SECONDS)
