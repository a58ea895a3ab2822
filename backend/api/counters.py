"""Request counters in memory, for the limits of one process.

The library's own memory storage starts a thread for nearly every request and sweeps all keys each
time: with 10,000 addresses in a minute it held the hub 5 ms at a time, with 100,000 for 65 ms. This
one forgets a few expired keys with each increment, and holds a bounded number.
"""

import time
from collections import OrderedDict
from collections.abc import Callable

from limits.storage import Storage

# One key is one address on one route, and some 300 bytes: 30 MB at worst. Beyond it the oldest
# windows are forgotten early, which only happens with this many addresses within a minute.
KEYS_MAX = 100_000
# How the limiter's `storage_uri` names this storage.
SCHEME = "bounded-memory"


class BoundedCounters(Storage):
    """Counters of fixed windows, by key. Lives on the hub's thread.

    Windows are taken to be of one length; a shorter one behind a longer is forgotten later, which
    costs memory and nothing else.
    """

    STORAGE_SCHEME = [SCHEME]

    def __init__(
        self,
        uri: str | None = None,
        wrap_exceptions: bool = False,
        keys_max: int = KEYS_MAX,
        clock: Callable[[], float] = time.time,
        **_: str,
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions)
        self._keys_max = keys_max
        self._clock = clock
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
        now = self._clock()
        return max(now, self._windows.get(key, (0, now))[1])

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
