"""What was refused, in a bounded number of lines: from where and why, and nothing that was said."""

import logging
from collections import Counter
from collections.abc import Callable

from backend.clock import Clock

log = logging.getLogger(__name__)

# Enough to see who it is; a storm writes no more of each kind than this and the count of the rest.
LINES_A_MINUTE = 10
LINES_WINDOW_S = 60.0


class Refusals:
    """Logs and counts refused logins and tokens. Lives on the hub's thread."""

    def __init__(
        self, clock: Clock, count: Callable[[str], None], lines: int = LINES_A_MINUTE
    ) -> None:
        """`count` is called with the reason of each. Reasons are a bounded set."""
        self._clock = clock
        self._count = count
        self._lines = lines
        self._seen: Counter[str] = Counter()
        self._window_ends = 0.0

    def note(self, where: str, network: str, reason: str) -> None:
        """Something asked for at `where`, a route or an event, was refused to somebody there."""
        self._count(reason)
        self.tell_the_rest()
        self._seen[reason] += 1
        if self._seen[reason] <= self._lines:
            log.info("%s refused from %s: %s", where, network, reason)

    def tell_the_rest(self) -> None:
        """Once the minute is over, log how many lines were left out; to be called now and then."""
        now = self._clock.monotonic()
        if now < self._window_ends:
            return
        for reason, count in self._seen.items():
            if count > self._lines:
                log.info("%d more refused in that minute: %s", count - self._lines, reason)
        self._seen.clear()
        self._window_ends = now + LINES_WINDOW_S
