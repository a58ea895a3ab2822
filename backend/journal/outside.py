"""Where other programs publish what they emit to this server's clients: Redis pub/sub, on the
channel that Flask-SocketIO has by default.

As its documentation has it, what is published while nobody can listen is lost.
"""

from collections.abc import Callable
from typing import Any

import redis

from backend import green
from backend.clock import Clock
from backend.journal.connection import IDLE_SECONDS, connect

CHANNEL = "flask-socketio"
# After this long without a word Redis is asked for one ...
QUIET_SECONDS = 5.0
# ... and after this long the connection is taken to lead nowhere. One to a Redis that is stopped
# for a while is worth keeping: what it was told meanwhile comes when it goes on.
DEAD_SECONDS = 20.0


class Outside:
    """A subscription to the channel. `listen` is for a background task, and may raise
    `RedisFailed`."""

    def __init__(self, url: str, take: Callable[[bytes], None], clock: Clock) -> None:
        """`take` is called with each message, whatever it is."""
        self._redis = connect(url)
        self._take = take
        self._clock = clock
        self._channel: Any = None
        self._heard_at = 0.0
        self._asked = False

    def listen(self) -> None:
        """Take what comes, or wait a little for something; the first time, and after a failure,
        subscribe."""
        if self._channel is None:
            self._channel = self._redis.pubsub()
            self._heard()
        try:
            if not self._channel.subscribed:
                self._channel.subscribe(CHANNEL)
            self._hear()
        except Exception:
            # Half of an answer may be left on the connection.
            self._channel.close()
            self._channel = None
            raise

    def _hear(self) -> None:
        message = self._channel.get_message(timeout=IDLE_SECONDS)
        if message is None:
            self._mind_silence()
            return
        self._heard()
        if message["type"] == "message":
            self._take(message["data"])
        green.pause()

    def _heard(self) -> None:
        self._heard_at, self._asked = self._clock.monotonic(), False

    def _mind_silence(self) -> None:
        silent = self._clock.monotonic() - self._heard_at
        if silent > DEAD_SECONDS:
            raise redis.ConnectionError("silent for too long")
        if silent > QUIET_SECONDS and not self._asked:
            self._channel.ping()
            self._asked = True
