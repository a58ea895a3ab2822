"""What a leader tells of its market through a real Redis, and what followers make of it."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from backend.clock import DAY_MS, MINUTE_MS
from backend.journal import redis_streams
from backend.journal.connection import RedisFailed
from backend.journal.lease import Lease
from backend.journal.redis_journal import RedisJournal
from backend.journal.redis_streams import REPORTS_KEPT, Epoch, RedisStreams
from backend.market.candles import INTERVALS
from backend.market.market import Market
from backend.market.models import OPEN_TIME, Quote, Trade
from backend.market.replica import Replica
from backend.metrics import Metrics
from backend.streaming.follower import Follower
from backend.streaming.publisher import Publisher
from tests.clocks import ManualClock
from tests.history.conftest import made_up
from tests.journal.conftest import redis
from tests.redis_server import Redis

__all__ = ["redis"]

SYMBOLS = ("BTC", "ETH")
BEGIN = 20_000 * DAY_MS


def nothing(*_: object) -> None: ...


class Following:
    """A process that follows."""

    def __init__(self, url: str, clock: ManualClock) -> None:
        self.streams = RedisStreams(url)
        self.replica = Replica(SYMBOLS, clock, "one")
        self.metrics = Metrics()
        # What clients were sent of BTC, tick by tick.
        self.ticks: list[Quote | None] = []
        journal = RedisJournal(self.streams, nothing)
        self._follower = Follower(
            self.streams, journal, self.replica, self._tick, {}, nothing, self.metrics
        )

    def _tick(self) -> None:
        self.ticks.append(self.replica.quote("BTC"))

    @property
    def left_out(self) -> float | None:
        """How many ticks it has left out."""
        return self.metrics.registry.get_sample_value("crs_ticks_left_out_total")

    def hear(self) -> Replica:
        place, _ = self.streams.tail()
        while not self._follower.begun or not self._follower.caught_up(place):
            self._follower.listen()
        return self.replica


class Leading:
    """A process that leads, and what follows it."""

    def __init__(self, url: str) -> None:
        self.clock = ManualClock(BEGIN + 5 * DAY_MS)
        self.url = url
        self.streams = RedisStreams(url)
        self.market = Market(SYMBOLS, self.clock, "one")
        self.journal = RedisJournal(self.streams, nothing)
        lease = Lease(url, "leading")
        fence = lease.acquire()
        lease.close()
        assert fence is not None
        self.journal.lead(fence, self.streams.begin(fence, Epoch("", 0), 0, "new")[0])
        self.publisher = Publisher(self.market, self.streams, self.journal, self.clock)
        self.following = [Following(url, self.clock)]

    def go_over(self, symbol: str, minutes: int, source: str = "other") -> None:
        """To a source that has these many minutes, and a trade in the next."""
        self.market.follow(source)
        behind = Market((symbol,), self.clock, source)
        begin = BEGIN + 5 * DAY_MS - minutes * MINUTE_MS
        if minutes:
            behind.load_history(symbol, made_up(begin, minutes, seed=len(source)))
        behind.apply_trade(Trade(symbol, BEGIN + 5 * DAY_MS + 1, 100.0, 1.0))
        instrument = behind.release(symbol)
        assert instrument is not None
        self.market.change_source(symbol, instrument)

    def assert_followed(self) -> None:
        """Whoever follows, and whoever comes now, has the candles of the leader and no others."""
        self.publisher.publish(tick=True)
        self.following.append(Following(self.url, self.clock))
        for following in self.following:
            replica = following.hear()
            for symbol in SYMBOLS:
                assert replica.source(symbol) == self.market.source(symbol)
                assert replica.quote(symbol) == self.market.quote(symbol)
                for interval in INTERVALS:
                    np.testing.assert_array_equal(
                        replica.candles(symbol, interval, 10_000),
                        self.market.candles(symbol, interval, 10_000),
                    )


@pytest.fixture
def leading(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> Iterator[Leading]:
    # Whoever hears all that there is waits for more once.
    monkeypatch.setattr(redis_streams, "BLOCK_SECONDS", 0.02)
    made = Leading(redis.url)
    for symbol in SYMBOLS:
        made.market.load_history(symbol, made_up(BEGIN, 5 * 1_440))
    made.assert_followed()
    yield made
    made.publisher.close()
    for each in (made, *made.following):
        each.streams.close()


@pytest.mark.parametrize("minutes", [0, 30, 2_000])
def test_after_a_change_of_source_nobody_has_a_minute_of_the_former_one(
    leading: Leading, minutes: int
) -> None:
    leading.market.apply_trade(Trade("BTC", BEGIN + 5 * DAY_MS + 1, 99.0, 1.0))
    # A minute that has closed and waits to be told of.
    leading.market.apply_trade(Trade("BTC", BEGIN + 5 * DAY_MS + MINUTE_MS + 1, 98.0, 1.0))
    leading.go_over("BTC", minutes)
    leading.assert_followed()
    leading.market.apply_trade(Trade("BTC", BEGIN + 5 * DAY_MS + 3 * MINUTE_MS, 101.0, 1.0))
    leading.assert_followed()
    # And back, to what is known of the first one by then.
    leading.go_over("BTC", 1_000, "one")
    leading.assert_followed()


def test_who_reads_late_sends_what_the_others_have_sent(leading: Leading) -> None:
    prompt, late = leading.following
    prompt.ticks.clear()
    late.ticks.clear()
    for number, tick in enumerate([True, True, True, False, False]):
        time_ms = BEGIN + 5 * DAY_MS + 1 + number
        leading.market.apply_trade(Trade("BTC", time_ms, 99.0 + number, 1.0))
        leading.publisher.publish(tick)
        prompt.hear()
    late.hear()
    assert [quote.price for quote in prompt.ticks if quote] == [99.0, 100.0, 101.0]
    assert late.ticks == prompt.ticks[-1:]
    assert (prompt.left_out, late.left_out) == (0, 2)
    assert late.replica.quote("BTC") == leading.market.quote("BTC")


def meanwhile(
    monkeypatch: pytest.MonkeyPatch, leading: Leading, name: str, happens: Callable[[], object]
) -> None:
    """Have something happen after the next `name` has reached Redis."""
    write = getattr(RedisStreams, name)

    def write_once(self: RedisStreams, *args: Any) -> None:
        write(self, *args)
        monkeypatch.setattr(RedisStreams, name, write)
        happens()

    monkeypatch.setattr(RedisStreams, name, write_once)


@pytest.mark.parametrize("name", ["keep_candles", "report"])
def test_what_changes_while_redis_is_written_to_is_told_with_the_next(
    leading: Leading, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def repair() -> None:
        rows = leading.market.closed_candles("ETH")[-9:].copy()
        rows[:, 1:5] += 0.25
        leading.market.load_history("ETH", rows)
        leading.go_over("BTC", 300)

    leading.market.load_history("ETH", leading.market.closed_candles("ETH")[-9:])
    meanwhile(monkeypatch, leading, name, repair)
    leading.publisher.publish(tick=True)
    for following in leading.following:
        # Of whatever source it says it is, that source's are its candles.
        replica = following.hear()
        own = leading.market.closed_candles("BTC")[-1, OPEN_TIME + 1 :]
        mine = replica.closed_candles("BTC")[-1, OPEN_TIME + 1 :]
        assert np.array_equal(own, mine) == (replica.source("BTC") == "other")
    leading.assert_followed()


@pytest.mark.parametrize("name", ["keep_candles", "report"])
def test_what_redis_refused_is_told_with_the_next(
    leading: Leading, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def refuse() -> None:
        raise RedisFailed("gone")

    leading.market.apply_trade(Trade("ETH", BEGIN + 5 * DAY_MS + 1, 99.0, 1.0))
    leading.market.apply_trade(Trade("ETH", BEGIN + 5 * DAY_MS + MINUTE_MS, 98.0, 1.0))
    leading.go_over("BTC", 300)
    meanwhile(monkeypatch, leading, name, refuse)
    with pytest.raises(RedisFailed):
        leading.publisher.publish(tick=True)
    leading.assert_followed()


@pytest.fixture
def around_midnight(leading: Leading) -> Leading:
    """A minute of one day that has closed and waits to be told of, with one of the next that was
    repaired."""
    midnight = BEGIN + 6 * DAY_MS
    leading.market.load_history("BTC", made_up(BEGIN + 5 * DAY_MS, 1_439))
    leading.assert_followed()
    for minute in (-1, 0, 1):
        leading.market.apply_trade(Trade("BTC", midnight + minute * MINUTE_MS + 1, 99.0, 1.0))
    repaired = leading.market.closed_candles("BTC")[-1:].copy()
    repaired[:, 5] += 1
    leading.market.load_history("BTC", repaired)
    return leading


def test_what_closed_before_what_was_repaired_is_heard_with_it(around_midnight: Leading) -> None:
    around_midnight.assert_followed()


def test_what_redis_did_not_give_is_asked_for_again(
    around_midnight: Leading, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise RedisFailed("too slow")

    following = around_midnight.following[0]
    around_midnight.publisher.publish(tick=True)
    around_midnight.market.apply_trade(Trade("ETH", BEGIN + 6 * DAY_MS + MINUTE_MS, 98.0, 1.0))
    around_midnight.publisher.publish(tick=True)
    meanwhile(monkeypatch, around_midnight, "candles", refuse)
    with pytest.raises(RedisFailed):
        following.hear()
    around_midnight.assert_followed()


def test_who_has_missed_reports_reads_everything_anew(leading: Leading) -> None:
    """As a process that was stopped for longer than reports are kept."""
    for number in range(REPORTS_KEPT + 50):
        minute_ms = BEGIN + 5 * DAY_MS + number * MINUTE_MS
        leading.market.apply_trade(Trade("BTC", minute_ms + 1, 99.0, 1.0))
        leading.clock.advance(0.1)
        leading.publisher.publish(tick=True)
    leading.assert_followed()


def test_a_leader_of_another_source_tells_nothing_of_the_former_one(leading: Leading) -> None:
    """As after a change of MARKET_FEED from one process to the next."""
    former = leading.following[0].replica
    leading.publisher.close()
    leading.market = Market(SYMBOLS, leading.clock, "other")
    leading.publisher = Publisher(leading.market, leading.streams, leading.journal, leading.clock)
    former.succeed(leading.market, nothing)
    for symbol in SYMBOLS:
        leading.market.load_history(symbol, made_up(BEGIN + 4 * DAY_MS, 90, seed=7))
    leading.assert_followed()
