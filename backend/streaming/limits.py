"""What a client may ask of the process, in one table: the limits of the stream.

Each is counted in `crs_refusals_total` under its name. Work that is within them is shared out by
`backend.turns`. `docs/security.md` has the same table, with those of REST and of accounts.
"""

from dataclasses import dataclass
from math import ceil, inf

# The largest message from a client: a subscription to 100 symbols takes 2 KB, a token 1 KB.
MESSAGE_MAX_BYTES = 16 * 1024
# Events from a connection. A page sends a few when it opens and one each five seconds after that;
# at this rate one connection takes about 1 % of a core.
EVENTS_PER_SECOND, EVENTS_AT_ONCE = 50.0, 200.0
# Of these, `subscribe` and `unsubscribe`, which move rooms and bring snapshots. A script that
# subscribes symbol by symbol may do so for 100 at once.
CHANGES_PER_SECOND, CHANGES_AT_ONCE = 10.0, 150.0
# Refusals that a connection may collect before it is closed: one that reads them stops.
REFUSALS_PER_SECOND, REFUSALS_AT_ONCE = 2.0, 100.0
# Sessions that may be opened from an address in a minute: thousands of clients behind one address
# come back at once after a restart, and a client with a fault that reconnects without a pause is
# through with it in seconds.
ATTEMPTS_PER_MINUTE = 6_000
# Addresses whose attempts are remembered; the one that came longest ago is forgotten first.
ADDRESSES_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: its name in `/metrics`, what it is by default, what sets it, and why it is so."""

    name: str
    default: str
    setting: str
    reason: str


CONNECTIONS = "connections"
PER_ADDRESS = "connections_per_address"
PER_USER = "connections_per_user"
ATTEMPTS = "attempts_per_address"
EVENTS = "events"
CHANGES = "subscription_changes"

LIMITS = (
    Limit(
        CONNECTIONS,
        "open files less 128, a quarter of them without an accepted token",
        "`ulimit -n`",
        "health checks, the feed and the database keep their descriptors; who has shown no token "
        "gives way to who comes later, last while a request of theirs waits for its turn",
    ),
    Limit(
        PER_ADDRESS,
        "6,000",
        "`CONNECTIONS_PER_ADDRESS`",
        "a company behind one address, or a load balancer that is not named in TRUSTED_PROXIES",
    ),
    Limit(PER_USER, "6,000", "`CONNECTIONS_PER_USER`", "a fleet of bots that shares one account"),
    Limit(
        ATTEMPTS,
        f"{ATTEMPTS_PER_MINUTE:,} a minute",
        "",
        "all clients behind an address may come back at once, but not go on doing so",
    ),
    Limit(
        EVENTS,
        f"{EVENTS_PER_SECOND:.0f} a second, {EVENTS_AT_ONCE:.0f} at once",
        "",
        "a page sends one in five seconds",
    ),
    Limit(
        CHANGES,
        f"{CHANGES_PER_SECOND:.0f} a second, {CHANGES_AT_ONCE:.0f} at once",
        "",
        "100 symbols may be subscribed one by one at once",
    ),
)


# Who waits for as long as it was told is not one billionth of an action too early.
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Rate:
    """A token bucket: `burst` actions at once, and `per_second` after that.

    All that has to be kept of somebody's is one number: the instant at which the bucket is full
    again, `FULL` where nothing has been taken from it.
    """

    per_second: float
    burst: float

    def wait(self, full_at: float, now: float) -> float:
        """Seconds until there is room for one action more; 0 where there is."""
        missing = (full_at - now) * self.per_second + 1 - self.burst
        return missing / self.per_second if missing > _ROUNDING else 0.0

    def spent(self, full_at: float, now: float) -> float:
        """The instant from which the bucket is full again, when an action has been taken now."""
        return max(full_at, now) + 1 / self.per_second


FULL = -inf


@dataclass(frozen=True, slots=True)
class Refusal:
    """An action beyond a limit. `last`: it is one too many of those, so the client is parted
    from."""

    limit: str
    retry_after_ms: int
    last: bool


_EVENT_RATE = Rate(EVENTS_PER_SECOND, EVENTS_AT_ONCE)
_CHANGE_RATE = Rate(CHANGES_PER_SECOND, CHANGES_AT_ONCE)
_REFUSAL_RATE = Rate(REFUSALS_PER_SECOND, REFUSALS_AT_ONCE)


class Allowance:
    """What one connection may still ask for."""

    __slots__ = ("_events", "_changes", "_refusals")

    def __init__(self) -> None:
        self._events = self._changes = self._refusals = FULL

    def take(self, change: bool, now: float) -> Refusal | None:
        """Count an event, and with `change` one that changes subscriptions, at `now` (seconds of a
        clock that never goes back); None where it may be served."""
        limit, wait = EVENTS, _EVENT_RATE.wait(self._events, now)
        if not wait:
            self._events = _EVENT_RATE.spent(self._events, now)
            if change:
                limit, wait = CHANGES, _CHANGE_RATE.wait(self._changes, now)
                if not wait:
                    self._changes = _CHANGE_RATE.spent(self._changes, now)
        if not wait:
            return None
        last = _REFUSAL_RATE.wait(self._refusals, now) > 0
        if not last:
            self._refusals = _REFUSAL_RATE.spent(self._refusals, now)
        return Refusal(limit, ceil(wait * 1000), last)
