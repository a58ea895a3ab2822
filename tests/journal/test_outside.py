"""The subscription to what other programs publish."""

import pytest

from backend.journal import outside
from backend.journal.connection import RedisFailed
from backend.journal.outside import CHANNEL, DEAD_SECONDS, QUIET_SECONDS, Outside
from tests.clocks import ManualClock
from tests.redis_server import Redis
from tests.servers import wait_until


class Listener:
    """A subscription on a clock that a test sets, and what it has taken."""

    def __init__(self, redis_server: Redis) -> None:
        self.clock = ManualClock(0)
        self.taken: list[bytes] = []
        self.outside = Outside(redis_server.url, self.taken.append, self.clock)
        self._redis = redis_server
        self._sent = 0

    def after(self, seconds: float) -> None:
        """Let time pass, and listen."""
        self.clock.advance(seconds)
        self.outside.listen()

    def hears(self) -> bool:
        """Whether what is published now arrives."""
        self._sent += 1
        with self._redis.client() as client:
            client.publish(CHANNEL, str(self._sent))
        for _ in range(5):
            self.outside.listen()
        return self.taken[-1:] == [str(self._sent).encode()]


@pytest.fixture
def listener(redis_server: Redis, monkeypatch: pytest.MonkeyPatch) -> Listener:
    monkeypatch.setattr(outside, "IDLE_SECONDS", 0.05)
    made = Listener(redis_server)
    wait_until(made.hears, "the first message")
    return made


def test_silence_is_asked_about_and_a_redis_that_answers_is_kept(
    listener: Listener, redis_server: Redis
) -> None:
    with redis_server.client() as client:
        ids = {each["id"] for each in client.client_list(_type="pubsub")}
        for _ in range(10):
            listener.after(QUIET_SECONDS + 1)
            listener.outside.listen()
        assert {each["id"] for each in client.client_list(_type="pubsub")} == ids
    assert listener.hears()


def test_a_connection_that_stays_silent_is_given_up_and_made_anew(
    listener: Listener, redis_server: Redis
) -> None:
    redis_server.hang()
    listener.after(QUIET_SECONDS + 1)
    with pytest.raises(RedisFailed):
        listener.after(DEAD_SECONDS)
    redis_server.resume()
    wait_until(listener.hears, "messages to come again")


def test_after_a_restart_of_redis_it_listens_again(listener: Listener, redis_server: Redis) -> None:
    redis_server.stop()
    with pytest.raises(RedisFailed):
        for _ in range(5):
            listener.outside.listen()
    redis_server.start()
    wait_until(listener.hears, "messages to come again")
