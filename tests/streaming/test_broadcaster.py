"""What is emitted, to which room, and when; on a real market, without a server."""

from typing import Any

import pytest

from backend.client_messages import parse_subscribe
from backend.clock import iso
from backend.fanout.wire import codec
from backend.fanout.wire.pieces import Joined, Pieces
from backend.journal.memory import MemoryJournal
from backend.market.market import Market
from backend.market.models import BookTop, DayStatistics, FeedFacts, Playback, Trade
from backend.metrics import Metrics
from backend.protocol import ALL_QUOTE_FIELDS, BOOK_FIELDS, realtime_room
from backend.streaming.broadcaster import Broadcaster
from backend.streaming.sessions import Session
from backend.streaming.subscriptions import Basket, Subscriptions
from tests.clocks import ManualClock

SYMBOLS = ("BTC", "ETH", "ADA")
START_MS = 1_700_000_040_000


class Stage:
    """A broadcaster whose emits are kept, and a hand on the market."""

    def __init__(self) -> None:
        self.emitted: list[tuple[str, dict[str, Any], str, int]] = []
        self.places: list[str] = []
        self.between: list[Any] = []
        self.prompts = 0
        self.clock = ManualClock(START_MS)
        self.metrics = Metrics()
        self.market = Market(SYMBOLS, self.clock, "test")
        self.journal = MemoryJournal()
        self.subscriptions = Subscriptions()
        self.broadcaster = Broadcaster(
            self.market,
            self.journal.log,
            self.subscriptions,
            self._emit,
            self._emit_joined,
            lambda event, payload, place: self._emit(event, payload, "everybody", 0, place),
            self._prompted,
            self.clock,
            self.metrics,
        )
        self.journal.log.on_entry(self.broadcaster.send)
        self._trades = 0

    def trade(self, symbol: str, price: float) -> None:
        self._trades += 1
        time_ms = START_MS + self._trades
        self.market.apply_trade(Trade(symbol, time_ms, price, 1.0, self._trades))

    def subscribe(self, sid: str, symbols: list[str], **options: Any) -> Session:
        session = Session(sid)
        request = parse_subscribe(({"symbols": symbols, **options},), SYMBOLS)
        self.subscriptions.subscribe(session, request)
        return session

    def _emit(
        self, event: str, payload: Any, room: str, receivers: int, place: str | None = None
    ) -> None:
        self.emitted.append((event, payload, room, receivers))
        if place is not None:
            self.places.append(place)

    def _emit_joined(self, event: str, pieces: Pieces, baskets: list[Basket]) -> int:
        for basket in baskets:
            # As it comes out of the wire's JSON, which is where pieces become an object.
            joined = codec.loads(codec.dumps(Joined(pieces, basket.selection)))
            if joined:
                self._emit(event, joined, basket.room, basket.members)
            if self.between:
                self.between.pop()()
        return sum(basket.members for basket in baskets)

    def _prompted(self) -> None:
        self.prompts += 1

    def taken(self) -> list[tuple[str, dict[str, Any], str, int]]:
        emitted, self.emitted = self.emitted, []
        return emitted


@pytest.fixture
def stage() -> Stage:
    found = Stage()
    for symbol, price in (("BTC", 100.0), ("ETH", 50.0)):
        found.trade(symbol, price)
    found.broadcaster.flush_prices()
    found.taken()
    return found


def test_a_tick_is_one_event_for_each_basket_with_exactly_its_symbols(stage: Stage) -> None:
    sessions = [
        stage.subscribe("1", ["BTC"]),
        stage.subscribe("2", ["BTC"]),
        stage.subscribe("3", ["ETH", "BTC"]),
        stage.subscribe("4", ["BTC"], fields=["price"]),
    ]
    stage.broadcaster.tick()
    emitted = stage.taken()
    assert {event for event, *_ in emitted} == {"market_update"}
    found = {room: (payload, receivers) for _, payload, room, receivers in emitted}
    assert len(found) == len(emitted) == 3
    baskets = [stage.subscriptions.basket(session) for session in sessions]
    assert all(basket is not None for basket in baskets)
    assert found[baskets[0].room][1] == 2
    assert set(found[baskets[0].room][0]) == {"BTC"}
    assert set(found[baskets[2].room][0]) == {"BTC", "ETH"}
    assert found[baskets[3].room][0] == {"BTC": {"symbol": "BTC", "price": 100.0}}


def test_a_symbol_that_the_feed_has_not_delivered_is_left_out(stage: Stage) -> None:
    session = stage.subscribe("1", ["ADA", "BTC"])
    assert set(stage.broadcaster.snapshot(session)) == {"BTC"}
    stage.subscribe("2", ["ADA"])
    stage.broadcaster.tick()
    assert [set(payload) for _, payload, _, _ in stage.taken()] == [{"BTC"}]


def test_all_updates_of_a_tick_are_of_one_instant_though_it_pauses(
    stage: Stage,
) -> None:
    for number, symbols in enumerate((["BTC"], ["BTC", "ETH"], ["ETH"])):
        stage.subscribe(str(number), symbols)
    stage.between = [lambda: stage.trade("BTC", 101.0)] * 3
    stage.broadcaster.tick()
    prices = {p["BTC"]["price"] for _, p, _, _ in stage.taken() if "BTC" in p}
    assert prices == {100.0}


def test_realtime_prices_are_conflated_to_the_newest(stage: Stage) -> None:
    stage.subscribe("1", ["BTC"], realtime=True)
    stage.subscribe("2", ["ETH"])
    for price in (101.0, 102.0, 103.0):
        stage.trade("BTC", price)
        stage.trade("ETH", price)
    stage.broadcaster.flush_prices()
    ((event, payload, room, receivers),) = stage.taken()
    assert (event, room, receivers) == ("price_update", realtime_room("BTC"), 1)
    assert stage.prompts == 1
    assert (payload["price"], payload["previous_price"]) == (103.0, 102.0)
    stage.broadcaster.flush_prices()
    assert stage.taken() == []


def test_a_trade_at_the_same_price_is_no_price_change_but_a_change_of_the_quote(
    stage: Stage,
) -> None:
    session = stage.subscribe("1", ["BTC"], realtime=True)
    before = stage.broadcaster.snapshot(session)["BTC"]["seq"]
    stage.trade("BTC", 100.0)
    stage.broadcaster.flush_prices()
    assert stage.taken() == []
    assert stage.broadcaster.snapshot(session)["BTC"]["seq"] == before + 1


def test_what_is_said_goes_to_those_it_concerns_with_its_place(stage: Stage) -> None:
    stage.subscribe("1", ["BTC"])
    for topic in ("BTC", "ETH", None):
        stage.journal.say("trading_signal", topic, {"id": topic})
    assert [(payload, room) for _, payload, room, _ in stage.taken()] == [
        ({"id": "BTC", "offset": 1}, "symbol:BTC"),
        ({"id": None, "offset": 3}, "everybody"),
    ]
    epoch = stage.journal.log.epoch
    assert stage.places == [f"{epoch}:1", f"{epoch}:3"]


def test_a_tick_is_as_late_as_its_newest_quote_to_each_who_gets_it(stage: Stage) -> None:
    stage.subscribe("1", ["BTC"])
    stage.subscribe("2", ["BTC", "ETH"])
    stage.trade("ETH", 51.0)
    stage.clock.set_ms(stage.market.time_ms("ETH") + 400)
    stage.broadcaster.tick()
    late = stage.metrics.lateness.figures()["market_update"]
    assert (late["count"], late["seconds"]) == (2, 0.8)
    assert (late["up_to"]["0.25"], late["up_to"]["0.5"]) == (0, 2)


def test_a_price_is_as_late_as_it_is_and_a_clock_that_is_behind_makes_nothing_early(
    stage: Stage,
) -> None:
    stage.subscribe("1", ["BTC"], realtime=True)
    stage.trade("BTC", 101.0)
    stage.clock.set_ms(stage.market.time_ms("BTC") - 5_000)
    stage.broadcaster.flush_prices()
    late = stage.metrics.lateness.figures()["price_update"]
    assert (late["count"], late["seconds"]) == (1, 0)


def test_what_a_recording_plays_is_not_late(stage: Stage) -> None:
    stage.market.describe_feed(FeedFacts(playback=Playback(speed=1, loop=False)))
    stage.subscribe("1", ["BTC"])
    stage.broadcaster.tick()
    assert stage.taken() and stage.metrics.lateness.figures() == {}


def test_bid_and_ask_are_absent_where_there_is_no_book(stage: Stage) -> None:
    stage.trade("BTC", 10.0)
    stage.trade("ETH", 5.0)
    stage.market.apply_book(BookTop("BTC", 9.5, 10.5))
    session = stage.subscribe("1", ["BTC", "ETH"])
    quotes = stage.broadcaster.snapshot(session)
    assert (quotes["BTC"]["bid"], quotes["BTC"]["ask"]) == (9.5, 10.5)
    assert not {"bid", "ask"} & set(quotes["ETH"])
    assert quotes["ETH"]["source"] == "test"
    only = stage.subscribe("2", ["BTC", "ETH"], fields=["bid"])
    assert stage.broadcaster.snapshot(only) == {
        "BTC": {"symbol": "BTC", "bid": 9.5},
        "ETH": {"symbol": "ETH"},
    }


def test_when_a_trade_came_in_is_said_to_who_asks(stage: Stage) -> None:
    stage.trade("BTC", 10.0)
    stage.market.apply_statistics(DayStatistics("ADA", START_MS, 5.0, 4.0, 1.0))
    asking = stage.subscribe("1", ["BTC", "ADA"], fields=["received_at"])
    quotes = stage.broadcaster.snapshot(asking)
    assert quotes["BTC"]["received_at"] == iso(stage.clock.now_ms())
    assert quotes["ADA"] == {"symbol": "ADA"}  # there was no trade
    plain = stage.subscribe("2", ["BTC"])
    assert "received_at" not in stage.broadcaster.snapshot(plain)["BTC"]


def test_as_many_fields_as_by_default_are_not_taken_for_the_default(stage: Stage) -> None:
    stage.trade("BTC", 10.0)
    fields = [field for field in ALL_QUOTE_FIELDS if field != "price"]
    session = stage.subscribe("1", ["BTC"], fields=fields)
    quote = stage.broadcaster.snapshot(session)["BTC"]
    assert set(quote) == set(fields) - set(BOOK_FIELDS)


def test_a_change_of_the_book_is_no_price_update(stage: Stage) -> None:
    stage.subscribe("1", ["BTC"], realtime=True)
    stage.trade("BTC", 10.0)
    stage.broadcaster.flush_prices()
    stage.emitted.clear()
    stage.market.apply_book(BookTop("BTC", 9.5, 10.5))
    stage.broadcaster.flush_prices()
    assert stage.emitted == []
