"""What somebody is told of candles is what the market has, whatever happens in it."""

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from socketio.packet import EVENT

from backend.assembly.socket_server import LATEST
from backend.client_messages import RequestError, parse_subscribe
from backend.clock import DAY_MS, HOUR_MS, MINUTE_MS, SystemClock
from backend.fanout.sessions.outbox import Outbox
from backend.fanout.wire.message import Message
from backend.market.candles import INTERVALS
from backend.market.market import Market
from backend.market.models import Candle, CandleArray, Trade
from backend.protocol import CANDLE, INVALID_CANDLES, candle_room
from backend.streaming.candle_stream import IDLE_LOOKS, CandleStream
from backend.streaming.followed_candles import REPAIRS_AT_ONCE, SAID_KEPT, candle_payload
from backend.streaming.sessions import Session
from backend.streaming.subscriptions import Subscriptions
from tests.following import Following

SYMBOLS = ("BTC", "ETH")
# Half an hour before the end of a day, so that candles of every interval close soon.
START_MS = 20_000 * DAY_MS - HOUR_MS // 2


def candle(minute: int, price: float = 10.0) -> Candle:
    return Candle(START_MS + minute * MINUTE_MS, price, price + 1, price - 1, price, 2.0, 20.0)


def rows(minutes: range, price: float = 10.0) -> CandleArray:
    return np.array(
        [[START_MS + m * MINUTE_MS, price, price + 1, price - 1, price, 2.0, 20.0] for m in minutes]
    )


class Stand:
    """A market, and one client that watches all intervals of BTC from `watch` on."""

    def __init__(self) -> None:
        self.market = Market(SYMBOLS, SystemClock())
        self.subscriptions = Subscriptions()
        self.events: list[dict[str, Any]] = []
        self.pauses = 0
        self.stream = CandleStream(self.market, self.subscriptions, self._emit, self._pause)
        self.session = Session("1")
        self.series = {interval: Following() for interval in INTERVALS}
        self._trades = itertools.count(1)

    def trade(self, minute: float, price: float, symbol: str = "BTC") -> None:
        time_ms = START_MS + round(minute * MINUTE_MS)
        self.market.apply_trade(Trade(symbol, time_ms, price, 1.0, next(self._trades)))

    def watch(self, *intervals: str) -> None:
        """Subscribe, and ask REST."""
        wish = {"symbols": ["BTC"], "candles": list(intervals or INTERVALS)}
        request = parse_subscribe((wish,), SYMBOLS)
        self.stream.follow(("BTC",), request.candles or ())
        self.subscriptions.subscribe(self.session, request)
        for event in self.stream.forming(("BTC",), self.session.candles):
            self._emit("candle", event, "", 1)
        for interval in self.session.candles:
            self.series[interval].begin(self.rest(interval))

    def look(self) -> list[dict[str, Any]]:
        """What is said in one look."""
        before = len(self.events)
        self.stream.look()
        return self.events[before:]

    def rest(self, interval: str) -> list[dict[str, Any]]:
        return [candle_payload(row) for row in self.market.candles("BTC", interval).tolist()]

    def expect_the_market(self) -> None:
        for interval in self.session.candles:
            market = self.rest(interval)
            if interval != "1m" and len(market) > 1:
                # It may begin before the market does, and then be said by nobody but the database.
                del market[0]
            assert self.series[interval].candles(market[0]["time"] if market else "") == market

    def _emit(
        self, event: str, payload: Any, room: str, receivers: int, place: None = None
    ) -> None:
        assert (event, receivers, payload["symbol"]) == ("candle", 1, "BTC")
        assert room in ("", candle_room("BTC", payload["interval"]))
        self.events.append(payload)
        self.series[payload["interval"]].take(payload)

    def _pause(self) -> None:
        self.pauses += 1


def brief(events: list[dict[str, Any]]) -> list[tuple[str, str, bool, float]]:
    return [(e["interval"], e["time"][11:16], e["closed"], e["close"]) for e in events]


def test_a_candle_forms_closes_once_and_is_said_again_when_it_is_repaired() -> None:
    stand = Stand()
    stand.trade(0.1, 10.0)
    stand.watch("1m", "5m")
    assert brief(stand.events) == [("1m", "23:30", False, 10.0), ("5m", "23:30", False, 10.0)]
    assert stand.look() == []
    stand.trade(0.2, 11.0)
    stand.trade(0.3, 12.0)
    assert brief(stand.look()) == [("1m", "23:30", False, 12.0), ("5m", "23:30", False, 12.0)]
    stand.trade(1.1, 13.0)
    assert brief(stand.look()) == [
        ("1m", "23:30", True, 12.0),
        ("1m", "23:31", False, 13.0),
        ("5m", "23:30", False, 13.0),
    ]
    stand.market.load_history("BTC", rows(range(1), 12.5))
    (repaired, five) = stand.look()
    assert brief([repaired, five]) == [("1m", "23:30", True, 12.5), ("5m", "23:30", False, 13.0)]
    assert repaired["revision"] > five["revision"] == 1
    stand.expect_the_market()
    assert stand.look() == []


def test_a_longer_candle_closes_with_its_last_minute_or_with_time() -> None:
    stand = Stand()
    stand.watch("5m")
    for minute in range(5):
        stand.market.apply_candle("BTC", candle(minute))
    assert brief(stand.look()) == [("5m", "23:30", True, 10.0)]
    stand.trade(5.5, 11.0)
    stand.look()
    stand.trade(10.01, 1.0, "ETH")  # a time at which BTC's minutes may yet be short of a trade
    assert stand.look() == []
    stand.trade(10.1, 1.0, "ETH")
    assert brief(stand.look()) == [("5m", "23:35", True, 11.0)]
    stand.trade(9.5, 12.0)  # late, but of a minute that nobody has closed
    (late,) = stand.look()
    assert (late["closed"], late["close"], late["revision"] > 1) == (True, 12.0, True)
    stand.expect_the_market()


def test_what_a_gap_in_the_past_is_filled_with_is_said() -> None:
    stand = Stand()
    stand.market.load_history("BTC", rows(range(10)))
    stand.market.load_history("BTC", rows(range(20, 30)))
    stand.watch()
    stand.market.load_history("BTC", rows(range(10, 20)))
    assert {event["revision"] for event in stand.look() if event["interval"] == "1m"} == {1}
    stand.expect_the_market()


def test_a_repair_of_hours_is_said_a_little_at_a_time_and_holds_nothing_up() -> None:
    stand = Stand()
    stand.market.load_history("BTC", rows(range(SAID_KEPT)))
    stand.watch("1m")
    stand.market.load_history("BTC", rows(range(SAID_KEPT), 20.0))
    stand.trade(SAID_KEPT + 0.5, 30.0)
    stand.trade(SAID_KEPT + 1.5, 31.0)
    first = stand.look()
    assert len(first) == REPAIRS_AT_ONCE + 2
    assert [event["close"] for event in first[-3:]] == [20.0, 30.0, 31.0]
    while len(said := stand.look()):
        assert len(said) <= REPAIRS_AT_ONCE
    stand.expect_the_market()


def test_at_a_replays_pace_no_closed_candle_is_left_out() -> None:
    stand = Stand()
    stand.watch()
    for minute in range(3 * SAID_KEPT):
        stand.market.apply_candle("BTC", candle(minute))
    closed = [event for event in stand.look() if event["interval"] == "1m"]
    assert len(closed) == 3 * SAID_KEPT
    stand.expect_the_market()


def test_what_lies_further_back_than_is_kept_is_not_said_again() -> None:
    stand = Stand()
    stand.market.load_history("BTC", rows(range(3 * SAID_KEPT)))
    stand.watch()
    stand.trade(3 * SAID_KEPT + 0.5, 11.0)
    stand.look()
    stand.market.load_history("BTC", rows(range(3 * SAID_KEPT - 1, 3 * SAID_KEPT), 12.0))
    closed = [event for event in stand.look() if event["closed"]]
    assert [event["interval"] for event in closed] == ["1m", "5m", "15m"]
    stand.expect_the_market()


def test_what_is_watched_no_more_is_forgotten_and_who_comes_back_misses_nothing() -> None:
    stand = Stand()
    stand.trade(0.1, 10.0)
    stand.watch("1m")
    stand.subscriptions.unsubscribe(stand.session, ["BTC"])
    assert stand.look() == []
    stand.watch("1m")
    stand.trade(1.1, 11.0)
    stand.look()
    stand.expect_the_market()
    stand.subscriptions.release(stand.session)
    for _ in range(IDLE_LOOKS):
        assert stand.look() == [] and stand.stream.followed() <= 1
    assert stand.stream.followed() == 0


def test_others_have_their_turn_while_many_series_are_looked_at() -> None:
    stand = Stand()
    stand.watch()
    for minute in range(100):
        stand.market.apply_candle("BTC", candle(minute))
    stand.look()
    assert stand.pauses > 0


steps = st.lists(
    st.tuples(
        st.sampled_from(["trade", "trade", "candle", "repair", "fill", "other", "look", "watch"]),
        st.integers(0, 40),  # minutes ahead, or back
        st.floats(1, 100),
    ),
    max_size=60,
)


@given(steps)
def test_rest_and_all_events_after_it_are_the_market(steps: list[tuple[str, int, float]]) -> None:
    stand = Stand()
    minute = 0
    for action, by, price in steps:
        if action == "trade":
            minute += by // 20  # most follow in the same minute
            stand.trade(minute + by / 41, price)
        elif action == "candle":
            minute += 1
            stand.market.apply_candle("BTC", candle(minute, price))
        elif action == "repair":
            stand.market.load_history("BTC", rows(range(minute - by, minute - by + 7), price))
        elif action == "fill":
            stand.market.load_history("BTC", rows(range(minute - 3 * by, minute), price))
        elif action == "other":
            minute += by
            stand.trade(minute, price, "ETH")
        elif action == "look":
            stand.look()
        elif not stand.session.symbols:
            stand.watch()
    while stand.look():
        pass
    stand.expect_the_market()


sayings = st.lists(st.sampled_from(["forms", "closes", "repaired", "read"]), max_size=60)


@given(sayings)
def test_a_client_that_lags_behind_misses_no_closed_candle_and_sees_none_form_again(
    sayings: list[str],
) -> None:
    outbox, opened = Outbox(), 0
    said: dict[Message, dict[str, Any]] = {}
    heard: list[dict[str, Any]] = []
    for saying in [*sayings, *["read"] * len(sayings)]:
        if saying == "read":
            if message := outbox.pop():
                heard.append(said[message])
            continue
        time = opened if saying == "forms" else opened - (saying == "repaired")
        event = {"symbol": "BTC", "interval": "1m", "time": time, "closed": saying != "forms"}
        opened += saying == "closes"
        message = Message(EVENT, [CANDLE, event], key=LATEST[CANDLE](event))
        said[message] = event
        assert outbox.put(message, 1)
    closed = [event for event in said.values() if event["closed"]]
    assert [event for event in heard if event["closed"]] == closed
    over = -1
    for event in heard:
        over = max(over, event["time"] if event["closed"] else over)
        assert event["closed"] or event["time"] > over


@pytest.mark.parametrize("value", ["1m", ["2m"], [1], [["1m"]], {"1m": True}])
def test_intervals_that_there_are_not_are_refused(value: object) -> None:
    with pytest.raises(RequestError) as refused:
        parse_subscribe(({"symbols": [], "candles": value},), SYMBOLS)
    assert refused.value.code == INVALID_CANDLES
