"""What is known of the feed itself: its state, and when it was last heard."""

from collections import deque
from dataclasses import replace

from backend.clock import Clock
from backend.market.models import FeedFacts, FeedState, FeedStatus

STALE_AFTER_S = 15.0
# Enough to see a feed flap, small enough to show whole.
HISTORY_KEPT = 50


class FeedWatch:
    """Follows one feed on the wall clock (states) and the monotonic one (signs of life)."""

    def __init__(self, name: str, clock: Clock) -> None:
        self._clock = clock
        self._started = clock.monotonic()
        self._heard: float | None = None
        self._heard_of_all = self._started
        self.status = FeedStatus(name, FeedState.CONNECTING, "", clock.now_ms())
        self._history = deque([self.status], HISTORY_KEPT)
        self.state_since_ms = self.status.since_ms
        self.facts = FeedFacts()

    @property
    def history(self) -> tuple[FeedStatus, ...]:
        return tuple(self._history)

    def set_state(self, state: FeedState, detail: str) -> None:
        """Note the state; saying the same again changes nothing."""
        known = self.status
        if (state, detail) != (known.state, known.detail):
            self.status = FeedStatus(known.name, state, detail, self._clock.now_ms())
            self._history.append(self.status)
            if state is not known.state:
                self.state_since_ms = self.status.since_ms

    def mirror(self, name: str, state: FeedState, detail: str, since_ms: int, age_s: float) -> None:
        """Take over what another watch says of its feed, heard of `age_s` ago."""
        known = self.status
        if (name, state, detail, since_ms) != (
            known.name,
            known.state,
            known.detail,
            known.since_ms,
        ):
            self.status = FeedStatus(name, state, detail, since_ms)
            self._history.append(self.status)
            if (name, state) != (known.name, known.state):
                self.state_since_ms = since_ms
        self._heard = self._clock.monotonic() - age_s

    def rename(self, name: str) -> None:
        """Another feed is watched from now on."""
        if name != self.status.name:
            self.status = replace(self.status, name=name, since_ms=self._clock.now_ms())
            self._history.append(self.status)

    def heard(self) -> float:
        """Note a sign of life, of one symbol; the monotonic time of it."""
        self._heard = self._clock.monotonic()
        return self._heard

    def heard_of_all(self) -> None:
        """Note a sign of life that goes for every symbol."""
        self._heard_of_all = self.heard()

    def is_stale(self, heard: float) -> bool:
        """Whether a symbol last heard of then has been silent for too long."""
        return self._clock.monotonic() - max(heard, self._heard_of_all) > STALE_AFTER_S

    @property
    def age_s(self) -> float:
        """Seconds since the last sign of life; before any, since the start."""
        return self._clock.monotonic() - (self._started if self._heard is None else self._heard)

    @property
    def last_heard_ms(self) -> int | None:
        """Wall time of the last sign of life; None before any."""
        return None if self._heard is None else self._clock.now_ms() - round(1000 * self.age_s)
