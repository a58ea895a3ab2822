"""Ratings on request: worked out once for all who ask, with a turn for others between them."""

from typing import Any

import numpy as np
import pytest

from backend.api.ratings import KEPT_SECONDS, Ratings
from backend.market.candles import INTERVALS
from tests.clocks import ManualClock
from tests.servers import Server, wait_until

HELD = {"1m": 400, "5m": 400, "15m": 400, "1h": 100, "4h": 30, "1d": 0}


class Known:
    """Candles of a market that rises; the longer they are, the fewer there are of them."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def candles(self, symbol: str, interval: str, limit: int) -> Any:
        self.asked.append(interval)
        price = 100.0 + np.arange(HELD[interval])
        times = INTERVALS[interval] * (1 + np.arange(HELD[interval]))
        return np.column_stack((times, price, price + 1, price - 1, price + 0.5, price, price))


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(0)


@pytest.fixture
def ratings(known: Known, clock: ManualClock) -> Ratings:
    history: Any = known
    return Ratings(history, {"ETH": {"1h": "SELL", "1d": "BUY"}, "BTC": {}}.__getitem__, clock)


def test_each_timeframe_is_rated_that_has_the_candles(ratings: Ratings) -> None:
    found = ratings.of("BTC", lambda: None)
    assert list(found) == list(INTERVALS)
    assert [name for name, rating in found.items() if rating is None] == ["4h", "1d"]
    hours = found["1h"]
    assert hours is not None and hours["signal"] in ("BUY", "STRONG_BUY")
    assert hours["candle_time"] == "1970-01-05T04:00:00.000Z"
    votes = {vote["name"]: vote for vote in hours["votes"]}
    assert votes["SMA 20"] == {"name": "SMA 20", "value": 190.0, "vote": 1}
    assert votes["SMA 200"] == {"name": "SMA 200", "value": None, "vote": None}
    for group, count in (("moving_averages", 15), ("oscillators", 11)):
        cast = sum(hours[group][side] for side in ("buy", "hold", "sell"))
        of_group = hours["votes"][:15] if count == 15 else hours["votes"][15:]
        assert cast == sum(vote["vote"] is not None for vote in of_group) and len(of_group) == count
        mean = (hours[group]["buy"] - hours[group]["sell"]) / cast
        assert hours[group]["score"] == pytest.approx(mean, abs=1e-4)


def test_who_asks_within_a_second_gets_the_same(
    ratings: Ratings, known: Known, clock: ManualClock
) -> None:
    first = ratings.of("BTC", lambda: None)
    clock.set_ms(round(900 * KEPT_SECONDS))
    assert ratings.of("BTC", lambda: None) == first
    assert known.asked == list(INTERVALS)
    ratings.of("ETH", lambda: None)
    assert known.asked == 2 * list(INTERVALS)
    clock.set_ms(round(1_100 * KEPT_SECONDS))
    ratings.of("BTC", lambda: None)
    assert known.asked == 3 * list(INTERVALS)


def test_the_level_is_the_one_that_is_held_where_there_is_one(ratings: Ratings) -> None:
    free, held = (ratings.of(symbol, lambda: None) for symbol in ("BTC", "ETH"))
    assert free["1h"] is not None and held["1h"] is not None
    assert held["1h"] == {**free["1h"], "signal": "SELL"}
    assert held["5m"] == free["5m"]
    assert held["1d"] is None


def test_others_have_their_turn_after_each_timeframe(ratings: Ratings, known: Known) -> None:
    turns: list[int] = []
    ratings.of("BTC", lambda: turns.append(len(known.asked)))
    assert turns == [1, 2, 3, 4, 5, 6]
    ratings.of("BTC", lambda: turns.append(0))
    assert len(turns) == len(INTERVALS)


def test_who_asks_meanwhile_has_nothing_worked_out_again(ratings: Ratings, known: Known) -> None:
    ratings.of("BTC", lambda: ratings.of("BTC", lambda: None) and None)
    assert known.asked == list(INTERVALS)


def test_a_server_rates_all_timeframes_with_its_past(server: Server) -> None:
    wait_until(
        lambda: all(server.get("/api/ratings?symbol=ETH").json()["ratings"].values()),
        "enough candles of every timeframe",
    )
    answer = server.get("/api/ratings?symbol=ETH").json()
    assert answer["symbol"] == "ETH"
    for rating in answer["ratings"].values():
        assert len(rating["votes"]) == 26
        assert all(vote["value"] is not None for vote in rating["votes"])
        groups = rating["moving_averages"]["score"], rating["oscillators"]["score"]
        assert rating["score"] == pytest.approx(sum(groups) / 2, abs=2e-4)


@pytest.mark.parametrize("query", ["", "?symbol=NOPE", "?symbol=btc"])
def test_a_symbol_has_to_be_carried(server: Server, query: str) -> None:
    answer = server.get(f"/api/ratings{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "unknown_symbol"
