"""What a client may ask of the process, in one table: the limits of the stream.

Each is counted in `crs_refusals_total` under its name. Work that is within them is shared out by
`backend.turns`. `docs/security.md` has the same table, with those of REST and of accounts.
"""

from dataclasses import dataclass
from math import ceil

from backend.clock import Clock

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
        "gives way to who comes later",
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


class TokenBucket:
    """Allows `burst` actions at once and `rate` a second after that."""

    __slots__ = ("_at", "_clock", "_rate", "_burst", "_tokens")

    def __init__(self, clock: Clock, rate: float, burst: float) -> None:
        self._clock = clock
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at = clock.monotonic()

    def take(self) -> float:
        """Count one action and return 0; or, where that is one too many, count nothing and return
        the seconds until there is room for it."""
        now = self._clock.monotonic()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1 - _ROUNDING:
            return (1 - self._tokens) / self._rate
        self._tokens -= 1
        return 0.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """An action beyond a limit. `last`: it is one too many of those, so the client is parted
    from."""

    limit: str
    retry_after_ms: int
    last: bool


class Allowance:
    """What one connection may still ask for."""

    __slots__ = ("_events", "_changes", "_refusals")

    def __init__(self, clock: Clock) -> None:
        self._events = TokenBucket(clock, EVENTS_PER_SECOND, EVENTS_AT_ONCE)
        self._changes = TokenBucket(clock, CHANGES_PER_SECOND, CHANGES_AT_ONCE)
        self._refusals = TokenBucket(clock, REFUSALS_PER_SECOND, REFUSALS_AT_ONCE)

    def take(self, change: bool) -> Refusal | None:
        """Count an event, and with `change` one that changes subscriptions; None where it may be
        served."""
        limit = EVENTS
        wait = self._events.take()
        if not wait and change:
            limit = CHANGES
            wait = self._changes.take()
        if not wait:
            return None
        return Refusal(limit, ceil(wait * 1000), last=self._refusals.take() > 0)
