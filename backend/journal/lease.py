"""Who leads: a lease in Redis that one process holds at a time.

Each term has a fence, a number that grows; whoever appends to the journal names its own, and is
refused where a later one was given out.
"""

from typing import Any

from backend.journal.connection import connect
from backend.journal.redis_scripts import FENCE

LEADER = "crs:leader"
# Without a word for this long, whoever leads has lost its place. A process that is busy for a
# second keeps it, and one that was killed is followed in less than five seconds.
LEASE_SECONDS = 3.0
# How often the leader says that it is there.
RENEW_SECONDS = 0.75
# How often the others look whether the place is free.
LOOK_SECONDS = 0.4

# Leader, fence; holder, ms. -> the fence of the term, or 0 where another holds the lease.
_ACQUIRE = """
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return redis.call('INCR', KEYS[2])
end
return 0
"""
# Leader, fence; holder, ms, fence. -> whether it is still the holder's.
_RENEW = """
if redis.call('GET', KEYS[1]) == ARGV[1] and redis.call('GET', KEYS[2]) == ARGV[3] then
  return redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
"""


class Lease:
    """One process's claim to lead. Every method may raise `RedisFailed`."""

    def __init__(self, url: str, holder: str, seconds: float = LEASE_SECONDS) -> None:
        """`holder` is a name that no other process has."""
        self._redis = connect(url)
        self._holder = holder
        self._milliseconds = round(seconds * 1000)
        script = self._redis.register_script
        self._acquire: Any = script(_ACQUIRE)
        self._renew: Any = script(_RENEW)
        self._release: Any = script(_RELEASE)

    def close(self) -> None:
        """Let go of the connection."""
        self._redis.close()

    def acquire(self) -> int | None:
        """Begin a term, if nobody leads: its fence."""
        fence = int(self._acquire([LEADER, FENCE], [self._holder, self._milliseconds]))
        return fence or None

    def renew(self, fence: int) -> bool:
        """Say that the holder is there; False where its term is over."""
        return bool(self._renew([LEADER, FENCE], [self._holder, self._milliseconds, fence]))

    def release(self) -> None:
        """Let another lead at once."""
        self._release([LEADER], [self._holder])
