"""Tasks that speak with Redis for as long as the process runs, through all of its outages."""

import logging
from collections.abc import Callable
from random import Random

from backend.feeds.backoff import Backoff
from backend.journal.connection import RedisFailed
from backend.metrics import Metrics

logger = logging.getLogger(__name__)

# Whoever waits for Redis to come back asks again at least this often, so that all is whole within
# seconds; the first time at once, since most outages are a connection that was cut.
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 2.0


class Lasting:
    """Calls `talk` over and over. It says something to Redis, or waits for news, for a second or
    so; whatever it raises is logged once an outage, and followed by a pause that grows."""

    def __init__(
        self,
        name: str,
        talk: Callable[[], None],
        sleep: Callable[[float], None],
        random: Random,
        metrics: Metrics,
        longest_pause: float = LONGEST_PAUSE_SECONDS,
    ) -> None:
        self.name = name
        self._talk = talk
        self._sleep = sleep
        self._backoff = Backoff(random, FIRST_PAUSE_SECONDS, longest_pause)
        self._metrics = metrics
        self._away = False
        self._stopped = False

    def run(self) -> None:
        """Loop until `stop`; meant to be the body of a background task."""
        while not self._stopped:
            try:
                self._talk()
            except Exception as error:
                self._failed(error)
                self._sleep(self._backoff.next())
            else:
                self._worked()

    def stop(self) -> None:
        """Let the loop end after its present call."""
        self._stopped = True

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, RedisFailed):
            self._metrics.task_errors.labels(self.name).inc()
        if self._away:
            return
        self._away = True
        if isinstance(error, RedisFailed):
            logger.warning("%s: Redis is out of reach (%s)", self.name, type(error).__name__)
        else:
            logger.exception("Background task %s goes on after an error", self.name)

    def _worked(self) -> None:
        self._backoff.reset()
        if self._away:
            self._away = False
            logger.info("%s: Redis is back", self.name)
