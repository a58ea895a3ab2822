"""What one process has all others do: end sessions, close a connection.

Rare, small, and of the moment. An order may come twice, and after a long outage not at all, so
that what it brings about has to be the same the second time, and, where it matters, to be found in
another way as well.
"""

from collections.abc import Callable
from typing import Protocol

# Sessions have ended: `sessions`, [id, when its last access token expires in ms] each.
REVOKED = "revoked"
# A connection is to be closed wherever it is: `connection`, its id.
CLOSE = "close"
# A connection has come back to the process that says so: `sid`, its id, and how often it has been
# taken up with that, `returns`. Where it has been less often it is over.
RECOVERED = "recovered"
# There is something to hear of in the census.
COUNTED = "counted"
# An account was logged into from a place: `account`, a digest of its name, and `network`.
KNOWN_PLACE = "known_place"
# Symbols are served from now on, or not any more: `added` and `removed`.
SYMBOLS = "symbols"


class Orders(Protocol):
    """One of `LoneOrders` and `redis_orders.RedisOrders`."""

    def give(self, kind: str, **facts: object) -> None:
        """Have all other processes do something. Never waits. `facts` are what JSON can say."""

    def on(self, kind: str, handler: Callable[..., object]) -> None:
        """Call `handler(**facts)` for each order of a kind that another process gives. A second
        handler of a kind takes the first one's place."""


class LoneOrders:
    """Those of a process that is alone."""

    def give(self, kind: str, **facts: object) -> None:
        """There is nobody to tell."""

    def on(self, kind: str, handler: Callable[..., object]) -> None:
        """Nobody will ever call."""
