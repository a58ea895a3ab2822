"""Rooms and baskets follow what connections ask for, and nothing is left when they go."""

from hypothesis import given
from hypothesis import strategies as st

from backend.client_messages import parse_subscribe
from backend.protocol import QUOTE_FIELDS, basket_room, candle_room, realtime_room, symbol_room
from backend.streaming.sessions import Session
from backend.streaming.subscriptions import Subscriptions

SYMBOLS = ["BTC", "ETH", "ADA", "SOL"]


def request(symbols: list[str], **options: object):
    return parse_subscribe(({"symbols": symbols, **options},), SYMBOLS)


def test_connections_with_the_same_symbols_share_a_basket_whatever_their_order() -> None:
    subscriptions = Subscriptions()
    one, two, three = Session("1"), Session("2"), Session("3")
    subscriptions.subscribe(one, request(["BTC", "ETH"]))
    subscriptions.subscribe(two, request(["ETH", "BTC"]))
    subscriptions.subscribe(three, request(["BTC", "ETH"], fields=["price"]))
    assert one.basket == two.basket != three.basket
    baskets = subscriptions.baskets()
    assert [basket.members for basket in baskets[QUOTE_FIELDS]] == [2]
    assert [basket.members for basket in baskets["symbol", "price"]] == [1]


def test_a_change_of_symbols_changes_exactly_the_rooms_it_has_to() -> None:
    subscriptions = Subscriptions()
    session = Session("1")
    change = subscriptions.subscribe(session, request(["BTC"]))
    first = basket_room(session.basket or 0)
    assert (change.leave, change.enter) == (set(), {symbol_room("BTC"), first})
    change = subscriptions.subscribe(session, request(["ETH"], realtime=True))
    second = basket_room(session.basket or 0)
    assert change.leave == {first}
    assert change.enter == {
        second,
        symbol_room("ETH"),
        realtime_room("BTC"),
        realtime_room("ETH"),
    }
    change = subscriptions.unsubscribe(session, ["BTC", "ETH"])
    assert change.leave == {
        second,
        symbol_room("BTC"),
        symbol_room("ETH"),
        realtime_room("BTC"),
        realtime_room("ETH"),
    }


def test_options_stay_where_a_request_does_not_name_them() -> None:
    subscriptions = Subscriptions()
    session = Session("1")
    wish = request(["BTC"], realtime=True, fields=["price"], candles=["1h", "1m"])
    subscriptions.subscribe(session, wish)
    subscriptions.subscribe(session, request(["ETH"]))
    assert (session.realtime, session.fields) == (True, ("symbol", "price"))
    assert session.candles == ("1m", "1h")
    assert subscriptions.candle_watchers("ETH", "1h") == 1
    assert subscriptions.realtime_watchers("ETH") == 1
    subscriptions.subscribe(session, request([], realtime=False, fields=list(QUOTE_FIELDS)))
    subscriptions.subscribe(session, request([], candles=[]))
    assert subscriptions.candle_watchers("ETH", "1h") == 0
    assert (session.realtime, session.fields) == (False, QUOTE_FIELDS)
    assert subscriptions.realtime_watchers("ETH") == 0


requests = st.tuples(
    st.integers(0, 3),
    st.sampled_from(["subscribe", "unsubscribe", "release"]),
    st.lists(st.sampled_from(SYMBOLS), max_size=4),
    st.sampled_from([None, True, False]),
    st.sampled_from([None, ["price"], ["price", "seq"]]),
    st.sampled_from([None, [], ["1m"], ["1d", "1m"]]),
)


@given(st.lists(requests, max_size=40))
def test_rooms_and_counts_always_equal_what_the_sessions_have(steps: list) -> None:
    subscriptions = Subscriptions()
    sessions = [Session(str(number)) for number in range(4)]
    rooms: list[set[str]] = [set() for _ in sessions]
    for number, action, symbols, realtime, fields, candles in steps:
        session = sessions[number]
        if action == "subscribe":
            wish = request(symbols, realtime=realtime, fields=fields, candles=candles)
            change = subscriptions.subscribe(session, wish)
        elif action == "unsubscribe":
            change = subscriptions.unsubscribe(session, symbols)
        else:
            subscriptions.release(session)
            rooms[number] = set()
            continue
        assert change.leave <= rooms[number] and not change.enter & rooms[number]
        rooms[number] = (rooms[number] - change.leave) | change.enter
    for session, mine in zip(sessions, rooms, strict=True):
        assert {room for room in mine if room.startswith("symbol:")} == {
            symbol_room(symbol) for symbol in session.symbols
        }
        assert {room for room in mine if room.startswith("candle:")} == {
            candle_room(symbol, interval)
            for symbol in session.symbols
            for interval in session.candles
        }
        basket = subscriptions.basket(session)
        assert (basket is not None) == bool(session.symbols)
        if basket is not None:
            assert set(basket.symbols) == set(session.symbols)
            assert basket.fields == (session.fields or QUOTE_FIELDS)
            assert basket.room in mine
    for symbol in SYMBOLS:
        assert subscriptions.watchers(symbol) == sum(symbol in s.symbols for s in sessions)
        for interval in ("1m", "1d"):
            assert subscriptions.candle_watchers(symbol, interval) == sum(
                symbol in s.symbols and interval in s.candles for s in sessions
            )
    assert set(subscriptions.symbols()) == {symbol for s in sessions for symbol in s.symbols}
    baskets = subscriptions.baskets()
    alike = [basket for some in baskets.values() for basket in some]
    assert all(basket.fields == fields for fields, some in baskets.items() for basket in some)
    assert len(alike) == subscriptions.basket_count()
    assert sum(basket.members for basket in alike) == sum(bool(s.symbols) for s in sessions)
    for session in sessions:
        subscriptions.release(session)
    assert subscriptions.baskets() == {} and subscriptions.total() == 0
