"""What Redis keeps, and from whom it takes it."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pytest

from backend.clock import DAY_MS, MINUTE_MS
from backend.journal.lease import LEADER, Lease
from backend.journal.log import pack
from backend.journal.redis_streams import (
    CANDLES_KEPT_SECONDS,
    LEVELS,
    READ_AT_ONCE,
    RECALLED,
    START,
    Epoch,
    Fenced,
    Heard,
    Minutes,
    RedisStreams,
    Series,
)
from tests.redis_server import Redis

NOBODY = Epoch("", 0)
DAY = 20_000
BTC = "x", "BTC"
UNTIL = (DAY + 1) * DAY_MS


@pytest.fixture
def streams(redis: Redis) -> Iterator[RedisStreams]:
    found = RedisStreams(redis.url)
    yield found
    found.close()


@pytest.fixture
def lease(redis: Redis) -> Iterator[Callable[[str], Lease]]:
    """Leases of named holders, 0.3 s long."""
    made: list[Lease] = []

    def make(holder: str) -> Lease:
        made.append(Lease(redis.url, holder, 0.3))
        return made[-1]

    yield make
    for each in made:
        each.close()


def begin(streams: RedisStreams, lease: Lease, known: Epoch = NOBODY, last: int = 0) -> Epoch:
    fence = lease.acquire()
    assert fence is not None
    return streams.begin(fence, known, last, "new")[0]


def say(streams: RedisStreams, fence: int, epoch: Epoch, number: int) -> int:
    return streams.say(fence, epoch, "trading_signal", "BTC", pack({"number": number}))


def offsets(heard: list[Heard]) -> list[int]:
    return [each.entry.offset for each in heard if each.entry is not None]


def test_one_holds_the_lease_until_it_gives_it_back(lease: Callable[[str], Lease]) -> None:
    first, second = lease("first"), lease("second")
    fence = first.acquire()
    assert fence is not None and second.acquire() is None
    assert first.renew(fence)
    first.release()
    assert not first.renew(fence)
    later = second.acquire()
    assert later is not None and later > fence
    first.release()
    assert second.renew(later)


def test_a_lease_that_is_not_renewed_passes_on(redis: Redis, lease: Callable[[str], Lease]) -> None:
    first, second = lease("first"), lease("second")
    fence = first.acquire()
    assert fence is not None
    redis.wait_until_gone(LEADER)
    later = second.acquire()
    assert later is not None and later > fence
    assert not first.renew(fence)


def test_entries_are_read_as_they_were_said(
    streams: RedisStreams, lease: Callable[[str], Lease]
) -> None:
    epoch = begin(streams, lease("a"))
    assert epoch == Epoch("new", 0) == streams.epoch()
    assert say(streams, 1, epoch, 7) == 1
    assert streams.say(1, epoch, "sentiment_update", None, pack({"number": 8})) == 2
    heard = streams.news(START, 0)
    assert [each.epoch for each in heard] == [epoch, epoch]
    one, two = (each.entry for each in heard)
    assert one is not None and two is not None
    assert (one.event, one.topic, one.payload()) == (
        "trading_signal",
        "BTC",
        {"number": 7, "offset": 1},
    )
    assert (two.event, two.topic) == ("sentiment_update", None)
    assert streams.said() == heard
    assert offsets(streams.news(START, 1)) == [2]


def test_more_than_a_page_of_what_was_said_is_read_in_order(
    streams: RedisStreams, lease: Callable[[str], Lease]
) -> None:
    epoch = begin(streams, lease("a"))
    for number in range(READ_AT_ONCE + 20):
        say(streams, 1, epoch, number)
    assert offsets(streams.said()) == list(range(1, READ_AT_ONCE + 21))
    assert offsets(streams.said(most=5)) == list(range(READ_AT_ONCE + 16, READ_AT_ONCE + 21))


def test_reports_are_read_after_the_place_where_one_stands(
    streams: RedisStreams, lease: Callable[[str], Lease]
) -> None:
    epoch = begin(streams, lease("a"))
    streams.report(1, epoch, {"number": 1}, [])
    (first,) = streams.reports()
    assert first.report == {"number": 1}
    streams.report(1, epoch, {"number": 2}, [])
    (second,) = streams.news(first.place, 0)
    assert second.report == {"number": 2}
    assert streams.tail() == (second.place, 0)
    assert streams.news(second.place, 0) == []


def test_whoever_does_not_lead_any_more_writes_nothing(
    redis: Redis, streams: RedisStreams, lease: Callable[[str], Lease]
) -> None:
    epoch = begin(streams, lease("a"))
    say(streams, 1, epoch, 1)
    redis.command("del", LEADER)
    assert lease("b").acquire() == 2
    for write in (
        lambda: say(streams, 1, epoch, 2),
        lambda: streams.report(1, epoch, {}, [(BTC, [DAY * DAY_MS, 1, 1, 1, 1, 1, 1])]),
        lambda: streams.keep_candles(1, epoch, [Minutes(BTC, day_of_candles(2), 0, DAY * DAY_MS)]),
        lambda: streams.keep(1, epoch, RECALLED, []),
        lambda: streams.begin(1, epoch, 1, "another"),
    ):
        with pytest.raises(Fenced):
            write()
    assert offsets(streams.said()) == [1]
    assert streams.reports() == []
    assert not len(candles_of(streams, BTC, [DAY]))
    assert streams.begin(2, epoch, 1, "another") == (epoch, False)


def test_a_redis_that_lost_its_memory_takes_nothing_until_another_epoch_begins(
    redis: Redis, streams: RedisStreams, lease: Callable[[str], Lease]
) -> None:
    epoch = begin(streams, lease("a"))
    for number in range(5):
        say(streams, 1, epoch, number)
    redis.command("flushall")
    with pytest.raises(Fenced):
        say(streams, 1, epoch, 5)
    fence = lease("a").acquire()
    assert fence == 1
    with pytest.raises(Fenced):  # though its number is that of the term before
        say(streams, 1, epoch, 5)
    after, another = streams.begin(fence, epoch, 5, "after")
    assert (after, another) == (Epoch("after", 5), True)
    assert say(streams, 1, after, 6) == 6


def test_an_epoch_ends_where_what_was_said_in_it_is_missing(
    redis: Redis, streams: RedisStreams, lease: Callable[[str], Lease]
) -> None:
    epoch = begin(streams, lease("a"))
    for number in range(3):
        say(streams, 1, epoch, number)
    # A copy of Redis that had not got the last one takes over.
    redis.command("set", "crs:said:last", "2")
    assert streams.begin(1, epoch, 2, "after") == (epoch, False)
    assert streams.begin(1, epoch, 3, "after") == (Epoch("after", 3), True)
    assert streams.said() == []


def candles_of(streams: RedisStreams, series: Series, days: Iterable[int]) -> np.ndarray:
    ((found, rows),) = streams.candles({series: days})
    assert found == series
    return rows


def day_of_candles(count: int, day: int = DAY) -> np.ndarray:
    rows = np.arange(count * 7, dtype=float).reshape(count, 7)
    rows[:, 0] = day * DAY_MS + MINUTE_MS * np.arange(count)
    return rows


def test_closed_minutes_are_kept_by_day_and_expire(
    redis: Redis, streams: RedisStreams, lease: Callable[[str], Lease]
) -> None:
    epoch = begin(streams, lease("a"))
    rows = np.vstack((day_of_candles(3), day_of_candles(2, DAY + 1)))
    streams.keep_candles(1, epoch, [Minutes(BTC, rows, 0, UNTIL)])
    closed = day_of_candles(4, DAY + 1)[2:]
    streams.report(1, epoch, {}, [(BTC, row.tolist()) for row in closed])
    days = range(DAY - 1, DAY + 3)
    np.testing.assert_array_equal(candles_of(streams, BTC, days), np.vstack((rows, closed)))
    assert not len(candles_of(streams, ("x", "ETH"), days))
    # From a day on they are put in place of what was there.
    streams.keep_candles(1, epoch, [Minutes(BTC, day_of_candles(1, DAY + 1), UNTIL, UNTIL)])
    assert len(candles_of(streams, BTC, days)) == 3 + 1
    # Another source's are beside them.
    other = "y", "BTC"
    assert not len(candles_of(streams, other, days))
    streams.keep_candles(1, epoch, [Minutes(other, day_of_candles(2), 0, UNTIL)])
    assert len(candles_of(streams, other, days)) == 2
    assert len(candles_of(streams, BTC, days)) == 3 + 1
    for day in (DAY, DAY + 1):
        left = int(redis.command("ttl", f"crs:candles:x:BTC:{day}"))
        assert CANDLES_KEPT_SECONDS - 60 < left <= CANDLES_KEPT_SECONDS


def test_days_of_which_nothing_is_known_any_more_are_empty(
    streams: RedisStreams, lease: Callable[[str], Lease]
) -> None:
    epoch = begin(streams, lease("a"))
    rows = np.vstack([day_of_candles(3, DAY - back) for back in range(7, -1, -1)])
    streams.keep_candles(1, epoch, [Minutes(BTC, rows, 0, DAY * DAY_MS)])
    streams.keep_candles(1, epoch, [Minutes(BTC, rows[-4:-3], 0, UNTIL)])
    found = candles_of(streams, BTC, range(DAY - 8, DAY + 2))
    np.testing.assert_array_equal(found, rows[-4:-3])


def test_what_is_told_beside_the_reports_is_kept(
    streams: RedisStreams, lease: Callable[[str], Lease]
) -> None:
    assert streams.kept(RECALLED) is streams.kept(LEVELS) is None
    epoch = begin(streams, lease("a"))
    streams.keep(1, epoch, RECALLED, [{"id": "x"}])
    streams.keep(1, epoch, LEVELS, {"BTC": {"1h": "BUY"}})
    assert streams.kept(RECALLED) == [{"id": "x"}]
    assert streams.kept(LEVELS) == {"BTC": {"1h": "BUY"}}
