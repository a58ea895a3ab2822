"""Counters of what is limited: in memory for one process, in Redis for several.

The library's own memory storage starts a thread for nearly every request and sweeps all keys each
time: with 10,000 addresses in a minute it held the hub 5 ms at a time, with 100,000 for 65 ms. This
one forgets a few expired keys with each increment, and holds a bounded number.
"""

import logging
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from limits.storage import Storage

T = TypeVar("T")

log = logging.getLogger(__name__)

# One key is one address on one route, and some 300 bytes: 30 MB at worst. Beyond it the oldest
# windows are forgotten early, which only happens with this many addresses within a minute.
KEYS_MAX = 100_000
# While Redis is out of reach somebody asks again this often, and may wait a second.
SHARED_RETRY_S = 5.0
# How the limiter's `storage_uri` names these storages.
SCHEME = "bounded-memory"
SHARED_SCHEME = "shared-or-memory"


class BoundedCounters(Storage):
    """Counters of fixed windows, by key. Lives on the hub's thread.

    Windows are timed by a clock that nobody sets, and told of in wall time, as the library asks.
    They are taken to be of one length; a shorter one behind a longer is forgotten later, which
    costs memory and nothing else.
    """

    STORAGE_SCHEME = [SCHEME]

    def __init__(
        self,
        uri: str | None = None,
        wrap_exceptions: bool = False,
        keys_max: int = KEYS_MAX,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        **_: str,
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._keys_max = keys_max
        self._clock = clock
        self._wall = wall
        # By key: how many, and when the window ends. In the order in which windows began.
        self._windows: OrderedDict[str, tuple[int, float]] = OrderedDict()

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count `amount` in the key's window, or begin one of `expiry` seconds; the new count."""
        now = self._clock()
        count, end = self._windows.get(key, (0, 0.0))
        if end <= now:
            self._windows.pop(key, None)
            self._make_room(now)
            count, end = 0, now + expiry
        self._windows[key] = (count + amount, end)
        return count + amount

    def get(self, key: str) -> int:
        """The count of the key's window; 0 where it has none."""
        count, end = self._windows.get(key, (0, 0.0))
        return count if end > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        """When the key's window ends, in seconds since the epoch; now where it has none."""
        _, end = self._windows.get(key, (0, 0.0))
        return self._wall() + max(0.0, end - self._clock())

    def remaining(self, key: str) -> int:
        """The whole seconds for which the key's window goes on, at least 1; 0 without one."""
        _, end = self._windows.get(key, (0, 0.0))
        return max(0, math.ceil(end - self._clock()))

    def check(self) -> bool:
        """Whether counting works: always."""
        return True

    def reset(self) -> int:
        """Forget everything; how many keys that were."""
        count = len(self._windows)
        self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one key."""
        self._windows.pop(key, None)

    def __len__(self) -> int:
        return len(self._windows)

    def _make_room(self, now: float) -> None:
        # Two for each that comes: the backlog shrinks, and no request pays for all of it.
        for _ in range(2):
            if not self._windows:
                return
            oldest, (_, end) = next(iter(self._windows.items()))
            if end > now and len(self._windows) < self._keys_max:
                return
            del self._windows[oldest]


class SharedCounters(Storage):
    """Counters of fixed windows that processes share in Redis; each counts for itself, in memory,
    while it is out of reach."""

    STORAGE_SCHEME = [SHARED_SCHEME]

    def __init__(
        self,
        uri: str | None = None,
        wrap_exceptions: bool = False,
        *,
        shared: Storage,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._shared = shared
        self._local = BoundedCounters(clock=clock)
        self._clock = clock
        self._ask_again_at = 0.0
        self._away = False

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` in the key's window, or begin one of `expiry` seconds; the new count."""
        return self._ask(
            lambda: self._shared.incr(key, expiry, amount),
            lambda: self._local.incr(key, expiry, amount),
        )

    def get_expiry(self, key: str) -> float:
        """When the key's window ends, in seconds since the epoch; now where it has none."""
        return self._ask(lambda: self._shared.get_expiry(key), lambda: self._local.get_expiry(key))

    def get(self, key: str) -> int:
        """The count of the key's window; 0 where it has none."""
        return self._ask(lambda: self._shared.get(key), lambda: self._local.get(key))

    def remaining(self, key: str) -> int:
        """The whole seconds for which the key's window goes on, at least 1; 0 without one."""

        def shared() -> int:
            # Told in wall time, of what Redis' own clock says is left.
            if not self._shared.get(key):
                return 0
            return max(1, math.ceil(self._shared.get_expiry(key) - time.time()))

        return self._ask(shared, lambda: self._local.remaining(key))

    def clear(self, key: str) -> None:
        """Forget one key."""
        self._ask(lambda: self._shared.clear(key), lambda: self._local.clear(key))

    def check(self) -> bool:
        """Whether counting works: always."""
        return True

    def reset(self) -> int | None:
        """Forget everything; how many keys that were, where that is known."""
        return self._ask(self._shared.reset, self._local.reset)

    def _ask(self, shared: Callable[[], T], local: Callable[[], T]) -> T:
        if self._clock() < self._ask_again_at:
            return local()
        if self._away:
            # One asks, and all others go on meanwhile.
            self._ask_again_at = self._clock() + SHARED_RETRY_S
        try:
            answer = shared()
        except self._shared.base_exceptions as error:
            if not self._away:
                log.warning("Counting for this process alone: %s", type(error).__name__)
            self._away = True
            self._ask_again_at = self._clock() + SHARED_RETRY_S
            return local()
        if self._away:
            log.info("Counting with the other processes again")
        self._away, self._ask_again_at = False, 0.0
        return answer
