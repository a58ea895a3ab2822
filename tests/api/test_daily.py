"""The daily index over REST: of whole days, and there as soon as enough of them are."""

from typing import Any

import numpy as np
import pytest

from backend.analysis.daily_index import COMPONENTS, MIN_DAYS, daily_readings
from backend.api.daily import LOOK_SECONDS, READINGS, DailyIndex
from backend.clock import DAY_MS, iso
from backend.market.models import OPEN_TIME, CandleArray
from backend.offload import Overloaded
from tests.clocks import ManualClock
from tests.history.conftest import made_up
from tests.servers import Server, wait_until

DAYS = made_up(20_000 * DAY_MS, 1_200, DAY_MS)


class Known:
    """Days of which the last is still going on."""

    def __init__(self, days: CandleArray) -> None:
        self.days = days
        self.fault: Exception | None = None
        self.asked = 0

    def candles(self, symbol: str, interval: str, limit: int) -> CandleArray:
        assert (symbol, interval) == ("BTC", "1d")
        self.asked += 1
        if self.fault is not None:
            raise self.fault
        return self.days[-limit:]


def index_of(known: Any, clock: ManualClock, symbols: tuple[str, ...] = ("ETH", "BTC")) -> Any:
    return DailyIndex(known, symbols, clock)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(0)


def test_it_is_that_of_the_days_that_have_ended_newest_first(clock: ManualClock) -> None:
    answer = index_of(Known(DAYS), clock).payload()
    expected = daily_readings(DAYS[:-1])[::-1][:READINGS]
    assert answer["timestamp"] == iso(int(DAYS[-1, OPEN_TIME]))
    assert answer["value"] == round(expected[0].value)
    scores = expected[0].components
    assert answer["components"] == {name: round(scores[name], 1) for name in COMPONENTS}
    assert answer["history"] == [
        {"value": round(each.value), "timestamp": iso(each.time_ms)} for each in expected
    ]


def test_there_is_none_without_enough_days_or_without_the_leader(clock: ManualClock) -> None:
    assert index_of(Known(DAYS[: MIN_DAYS + 1]), clock).payload() is None
    assert len(index_of(Known(DAYS[: MIN_DAYS + 2]), clock).payload()["history"]) == 1
    assert index_of(Known(DAYS[:0]), clock).payload() is None
    assert index_of(Known(DAYS), clock, ("ETH",)).payload() is None


def test_a_day_that_has_ended_is_seen_soon_and_the_database_seldom_asked(
    clock: ManualClock,
) -> None:
    known = Known(DAYS[:-1])
    index = index_of(known, clock)
    first = index.payload()
    known.days = DAYS
    assert index.payload() == first and known.asked == 1
    clock.set_ms(round(1000 * LOOK_SECONDS))
    assert index.payload()["history"][1:] == first["history"][:-1]
    assert known.asked == 2


def test_what_was_known_stays_while_the_database_is_away(clock: ManualClock) -> None:
    known = Known(DAYS)
    index = index_of(known, clock)
    first = index.payload()
    known.fault, known.days = Overloaded(), np.empty((0, 7))
    clock.set_ms(round(1000 * LOOK_SECONDS))
    assert index.payload() == first


def test_a_server_has_it_once_its_past_is_there(server: Server) -> None:
    daily = wait_until(lambda: server.get("/api/sentiment").json()["daily"], "the daily index")
    assert 0 <= daily["value"] <= 100
    assert daily["timestamp"].endswith("T00:00:00.000Z")
    assert daily["components"].keys() == set(COMPONENTS)
    wait_until(
        lambda: len(server.get("/api/sentiment").json()["daily"]["history"]) == READINGS,
        "a month of it",
    )
