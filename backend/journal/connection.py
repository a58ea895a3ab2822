"""How this process speaks to Redis: every command has a deadline, and nothing is tried in silence.

Sockets are the hub's, so that who waits for Redis holds nobody else.
"""

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

# A command that takes longer has failed: Redis answers in a millisecond, and one that is stopped
# never does.
COMMAND_SECONDS = 1.0
# A read that waits for news is given this much, and its deadline that much more.
BLOCK_SECONDS = 1.0

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
