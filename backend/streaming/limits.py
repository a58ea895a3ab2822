"""How much a connection may ask of the process."""

from backend.clock import Clock

# A client that subscribes, pings and re-authenticates sends a few messages a second. At the rate
# below the receive path costs a few per cent of one core; the burst lets a page set itself up.
MESSAGES_PER_SECOND = 50.0
MESSAGE_BURST = 100.0
# The largest message from a client: a subscription to 100 symbols takes 2 KB, a token 1 KB.
MESSAGE_MAX_BYTES = 16 * 1024


class TokenBucket:
    """Allows `burst` messages at once and `rate` a second after that.

    The caller sleeps for what `take` returns before it reads on, so that a client over its rate
    is slowed down by TCP itself, and neither dropped nor queued.
    """

    __slots__ = ("_at", "_clock", "_rate", "_burst", "_tokens")

    def __init__(
        self, clock: Clock, rate: float = MESSAGES_PER_SECOND, burst: float = MESSAGE_BURST
    ) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = clock.monotonic()

    def take(self) -> float:
        """Count one message; returns the seconds to wait before the next is read."""
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate) - 1
        self._at = now
        return max(0.0, -self._tokens / self._rate)
