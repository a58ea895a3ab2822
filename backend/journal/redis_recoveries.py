"""What connections were, where every process finds it: in Redis, by the private id of each.

Nobody who writes waits for Redis: what is to be written waits in the process, the newest of each
connection, and goes out in batches. Only who comes back waits, and no longer than a command may
take.
"""

import itertools
import logging
import math
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple, cast

from backend import green
from backend.clock import Clock
from backend.journal.connection import RedisFailed, connect
from backend.journal.recoveries import Recoverable

logger = logging.getLogger(__name__)

KEY = "crs:recovery:"

# What waits is written at once, but in batches so far apart. A process that is killed in that time
# takes the last change of a connection with it.
FLUSH_SECONDS = 0.02
# Written at once: 400 KB with 20 symbols.
BATCH = 1_000
# What waits while Redis is away; beyond it the oldest is left out, until it is written anew.
WAITING_MAX = 20_000
# Of a thousand clients that come back at once, so many ask Redis at a time, on a connection each.
TAKES_AT_ONCE = 16
# After a command that failed nobody who comes back waits for another for so long.
ASK_AGAIN_SECONDS = 2.0

_UNLESS_IT_HAS_RETURNED = """
local returns = redis.call('HGET', KEYS[1], 'returns')
if returns and tonumber(returns) > tonumber(ARGV[1]) then return 0 end
"""
# Key; returns, state, milliseconds.
_KEEP = (
    _UNLESS_IT_HAS_RETURNED
    + """
redis.call('HSET', KEYS[1], 'returns', ARGV[1], 'state', ARGV[2])
return redis.call('PEXPIRE', KEYS[1], ARGV[3])
"""
)
# Key; returns.
_FORGET = _UNLESS_IT_HAS_RETURNED + "return redis.call('DEL', KEYS[1])"
# Key -> the state.
_TAKE = """
local state = redis.call('HGET', KEYS[1], 'state')
redis.call('DEL', KEYS[1])
return state
"""


class _Waiting(NamedTuple):
    """What is to be written: of what has returned so often a state and until when it is kept, or
    None where it is forgotten."""

    returns: int
    state: Recoverable | None
    until: float


class RedisRecoveries:
    """Those of all processes. `flush` is to be called whenever something waits, `FLUSH_SECONDS`
    apart."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._redis = connect(url)
        self._clock = clock
        self._keep = self._redis.register_script(_KEEP)
        self._forget = self._redis.register_script(_FORGET)
        self._take = self._redis.register_script(_TAKE)
        self._waiting: OrderedDict[str, _Waiting] = OrderedDict()
        # On its way to Redis.
        self._written: dict[str, _Waiting] = {}
        self._takes = green.Semaphore(TAKES_AT_ONCE)
        self._ask_again_at = -math.inf
        self._tell: Callable[[], None] = lambda: None

    def __len__(self) -> int:
        """How many wait to be written."""
        return len(self._waiting)

    def when_waiting(self, listener: Callable[[], None]) -> None:
        """Call `listener()` when there is something to flush."""
        self._tell = listener

    def close(self) -> None:
        """Let go of the connections."""
        self._redis.close()

    def keep(self, pid: str, state: Recoverable, seconds: float) -> None:
        self._wait(pid, _Waiting(state.returns, state, self._clock.monotonic() + seconds))

    def forget(self, pid: str, returns: int) -> None:
        self._wait(pid, _Waiting(returns, None, math.inf))

    def take(self, pid: str) -> Recoverable | None:
        newest = self._newest(pid)
        self._waiting.pop(pid, None)
        stored = self._take_stored(pid)
        if (written := self._written.get(pid)) is not None:
            # It may have got there after it was taken.
            self.forget(pid, written.returns)
        if newest is not None:
            return newest.state if newest.until > self._clock.monotonic() else None
        return stored

    def flush(self) -> None:
        """Write what waits; may wait. Raises `RedisFailed`: then it goes on waiting."""
        while self._waiting:
            batch = dict(itertools.islice(self._waiting.items(), BATCH))
            for pid in batch:
                del self._waiting[pid]
            self._written = batch
            try:
                self._write(batch)
            except RedisFailed:
                # What has been said meanwhile is newer.
                for pid, waiting in batch.items():
                    if pid not in self._waiting:
                        self._wait(pid, waiting)
                raise
            finally:
                self._written = {}

    def _newest(self, pid: str) -> _Waiting | None:
        return self._waiting.get(pid) or self._written.get(pid)

    def _wait(self, pid: str, waiting: _Waiting) -> None:
        newest = self._newest(pid)
        if newest is not None and newest.returns > waiting.returns:
            return
        self._waiting[pid] = waiting
        self._waiting.move_to_end(pid)
        if len(self._waiting) > WAITING_MAX:
            self._waiting.popitem(last=False)
        self._tell()

    def _write(self, batch: dict[str, _Waiting]) -> None:
        now = self._clock.monotonic()
        with self._redis.pipeline(transaction=False) as pipe:
            for pid, (returns, state, until) in batch.items():
                if state is None:
                    self._forget(keys=[KEY + pid], args=[returns], client=pipe)
                elif until > now:
                    arguments = [returns, state.packed(), math.ceil((until - now) * 1000)]
                    self._keep(keys=[KEY + pid], args=arguments, client=pipe)
            pipe.execute()

    def _take_stored(self, pid: str) -> Recoverable | None:
        with self._takes:
            if self._clock.monotonic() < self._ask_again_at:
                return None
            try:
                packed = cast(bytes | None, self._take(keys=[KEY + pid]))
                return None if packed is None else Recoverable.unpack(packed)
            except RedisFailed as error:
                logger.warning("Nobody is recovered while Redis is away: %s", type(error).__name__)
                self._ask_again_at = self._clock.monotonic() + ASK_AGAIN_SECONDS
            except ValueError:
                logger.info("A connection's state is of another version, and is not recovered")
            return None
