"""What several processes hold together of what is limited: connections of a user, of an address.

Nobody waits for it: each process decides by its own counts and by what the others said last. So a
limit may be passed by as many as come within a moment, and holds from then on.
"""

from collections.abc import Callable, Hashable
from typing import Protocol

from backend.journal.counts import Counts

USERS = "user"
ADDRESSES = "address"
# Of an address in a minute of the clock.
ATTEMPTS_IN_MINUTE = "attempt"

# What a process has of less than this part of a limit, it does not tell: most keys have one
# connection, and to tell of them all would cost more than the limit saves.
UNTOLD_PART = 100


class Census(Protocol):
    """One of `LoneCensus` and `redis_census.RedisCensus`."""

    def tell(self, what: str, counts: Callable[[], Counts], limit: int) -> None:
        """Let the others know of these counts, of each of which `limit` is the most."""

    def others(self, what: str, key: Hashable) -> int:
        """How many all other processes have of a key together; 0 where they can't be asked."""


class LoneCensus:
    """That of a process that is alone."""

    def tell(self, what: str, counts: Callable[[], Counts], limit: int) -> None:
        """There is nobody to tell."""

    def others(self, what: str, key: Hashable) -> int:
        """There are no others."""
        return 0
