"""A board in Redis: each process leaves a note there, which is gone soon after the process is."""

from backend.journal.connection import OwnConnection

# Notes, expiries; process, its note, milliseconds, whether to read -> notes by process, in pairs.
# By Redis' clock, so that machines whose clocks differ agree on who has ended. Without a process it
# only reads.
_TALK = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[1] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  redis.call('ZADD', KEYS[2], now + ARGV[3], ARGV[1])
end
for _, ended in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now)) do
  redis.call('HDEL', KEYS[1], ended)
  redis.call('ZREM', KEYS[2], ended)
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
if ARGV[4] == '' then return {} end
return redis.call('HGETALL', KEYS[1])
"""


class Board:
    """The notes under one key. Every method is one command, and may raise `RedisFailed`."""

    def __init__(self, url: str, key: str, me: str, fresh_seconds: float) -> None:
        """`me` is a name that no other process has; a note is there for `fresh_seconds`."""
        self._redis = OwnConnection(url)
        self._talk = self._redis.script(_TALK)
        self._keys = [key, f"{key}:until"]
        self._me = me
        self._fresh_ms = round(fresh_seconds * 1000)

    def put(self, note: bytes) -> None:
        """Leave a note in place of the last one."""
        self._talk(self._keys, [self._me, note, self._fresh_ms, ""])

    def exchange(self, note: bytes) -> list[bytes]:
        """Leave a note; returns those of all others."""
        return self._others(self._talk(self._keys, [self._me, note, self._fresh_ms, "read"]))

    def read(self) -> list[bytes]:
        """The notes of all others."""
        return self._others(self._talk(self._keys, ["", "", self._fresh_ms, "read"]))

    def take_down(self) -> None:
        """Remove the note: the process ends."""
        self._redis.client.hdel(self._keys[0], self._me)

    def _others(self, reply: list[bytes]) -> list[bytes]:
        me = self._me.encode()
        pairs = zip(reply[::2], reply[1::2], strict=True)
        return [note for process, note in pairs if process != me]
