"""How this process speaks to Redis: every command has a deadline, and nothing is tried in silence.

Sockets are the hub's, so that who waits for Redis holds nobody else.
"""

from collections.abc import Callable
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# A command that takes longer has failed: Redis answers in a millisecond, and one that is stopped
# never does.
COMMAND_SECONDS = 1.0
# A read that waits for news is given this much, and its deadline that much more.
BLOCK_SECONDS = 1.0
# A read that waits for what seldom comes: each that waits in vain costs an idle process as much as
# one that does not.
IDLE_SECONDS = 5.0

# What a command may raise: out of reach, too slow, out of memory, a password that is not right.
RedisFailed = redis.RedisError


def options(deadline: float) -> dict[str, Any]:
    """What makes every command of a client fail after `deadline` seconds at the latest, each of its
    two steps for itself: connecting, and being answered."""
    return {
        "socket_timeout": deadline,
        "socket_connect_timeout": deadline,
        # Whoever calls tries again when it is time to: the library's own attempts would add up.
        "retry": Retry(NoBackoff(), 0),
    }


def connect(url: str, deadline: float = COMMAND_SECONDS) -> Any:
    """A `redis.Redis` whose commands raise `RedisFailed` by their deadline, as `options` says."""
    return redis.Redis.from_url(url, **options(deadline))


class OwnConnection:
    """A client as `connect` makes, for who asks often, and one thing after the other: of a pool's
    connections each is looked at before it is used, for a quarter of what a command costs here. One
    that Redis has closed fails once; the next command makes another.
    """

    def __init__(self, url: str, deadline: float = COMMAND_SECONDS) -> None:
        self._pool = connect(url, deadline)
        self._own: Any = None

    @property
    def client(self) -> Any:
        """The client; connects the first time, and raises `RedisFailed` where it can't."""
        if self._own is None:
            self._own = self._pool.client()
        return self._own

    def script(self, text: str) -> Callable[[list[Any], list[Any]], Any]:
        """What calls a script with keys and arguments."""
        script = self._pool.register_script(text)
        return lambda keys, arguments: script(keys, arguments, client=self.client)

    def close(self) -> None:
        """Let go of the connection."""
        if self._own is not None:
            self._own.close()
        self._pool.close()
