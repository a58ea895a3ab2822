"""Kraken's own ways: what its frames say, and what its feed does about them."""

import json
import re
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.feeds.frames import Earlier, ErrorReply, Pulse
from backend.feeds.kraken_frames import (
    SystemStatus,
    pair_of,
    parse_candles,
    parse_frame,
    rest_pair_of,
    symbol_of,
)
from backend.market.models import BookTop, DayStatistics, FeedState, Trade
from tests.feeds.exchange_kraken import KRAKEN, Kraken, QuickKraken
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.feed_harness import RunningFeed, keys_of
from tests.feeds.sample_frames import START_MS, sample_frames
from tests.servers import PATIENCE, wait_until

MINUTE_MS = 60_000
FIRST_MINUTE = START_MS - START_MS % MINUTE_MS

TRADE = {
    "symbol": "BTC/USD",
    "side": "buy",
    "price": 50000.1,
    "qty": 0.5,
    "ord_type": "market",
    "trade_id": 4665846,
    "timestamp": "2023-09-25T07:49:37.708706Z",
}
TICKER = {
    "symbol": "ALGO/USD",
    "bid": 0.10025,
    "bid_qty": 740.0,
    "ask": 0.10036,
    "ask_qty": 1361.44,
    "last": 0.10035,
    "volume": 997038.98,
    "vwap": 0.10148,
    "low": 0.09979,
    "high": 0.10285,
    "change": -0.00017,
    "change_pct": -0.17,
    "timestamp": "2023-09-25T09:04:31.742648Z",
}


def parsed(channel: str, *items: object, kind: str = "update") -> list:
    return parse_frame(json.dumps({"channel": channel, "type": kind, "data": items}))


def test_trades() -> None:
    later = {**TRADE, "trade_id": 4665847}
    trades = [
        Trade("BTC", 1_695_628_177_708, 50000.1, 0.5, 4665846),
        Trade("BTC", 1_695_628_177_708, 50000.1, 0.5, 4665847),
    ]
    assert parsed("trade", TRADE, later) == trades
    snapshot = parsed("trade", TRADE, later, kind="snapshot")
    assert snapshot == [Earlier(trade) for trade in trades]


@pytest.mark.parametrize("kind", ["snapshot", "update"])
def test_a_ticker_has_the_figures_of_a_day_and_the_top_of_the_book(kind: str) -> None:
    day, book = parsed("ticker", TICKER, kind=kind)
    opened, worth = pytest.approx(0.10052), pytest.approx(997038.98 * 0.10148)
    assert day == DayStatistics("ALGO", 1_695_632_671_742, 0.10035, opened, worth)
    assert book == BookTop("ALGO", 0.10025, 0.10036)


@pytest.mark.parametrize("side", ["bid", "ask"])
def test_a_book_with_an_empty_side_has_no_top(side: str) -> None:
    assert [type(event) for event in parsed("ticker", {**TICKER, side: 0})] == [DayStatistics]


def test_a_heartbeat_is_a_sign_of_life_of_all() -> None:
    assert parse_frame('{"channel":"heartbeat"}') == [Pulse(None, None, None)]


def test_the_status_of_the_exchange() -> None:
    assert parsed("status", {"system": "maintenance"}) == [SystemStatus("maintenance")]


def test_an_error_names_the_pair_it_is_about() -> None:
    error = {"method": "subscribe", "success": False, "symbol": "NOPE/USD"}
    text = "Currency pair not supported NOPE/USD"
    assert parse_frame(json.dumps({**error, "error": text})) == [ErrorReply("NOPE", text)]
    limit = parse_frame(json.dumps({**error, "error": "Exceeded msg rate"}))
    assert limit == [ErrorReply(None, "Exceeded msg rate")]


@pytest.mark.parametrize(
    "frame",
    [
        {},
        {"method": "pong"},
        {"method": "subscribe", "success": True, "result": {"channel": "trade"}},
        {"channel": "book", "data": [{}]},
        {"channel": 3},
    ],
)
def test_other_frames_say_nothing(frame: dict) -> None:
    assert parse_frame(json.dumps(frame)) == []


@pytest.mark.parametrize(
    "text",
    ["", "garbage", "{", "[1]", "17", b"\xff", "null", '{"channel":"trade"}']
    + ['{"channel":"trade","data":{}}', '{"channel":"ticker","data":[1]}'],
)
def test_garbage_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parse_frame(text)


@pytest.mark.parametrize(
    ("channel", "item", "field"),
    [
        *(("trade", TRADE, name) for name in ("symbol", "price", "qty", "trade_id", "timestamp")),
        *(("ticker", TICKER, name) for name in ("symbol", "last", "change", "volume", "vwap")),
        *(("ticker", TICKER, name) for name in ("bid", "timestamp")),
    ],
)
@pytest.mark.parametrize("lie", [None, "", "x", "1.0", True, [], float("nan"), float("inf")])
def test_a_frame_that_lies_about_a_field_is_refused(
    channel: str, item: dict, field: str, lie: object
) -> None:
    with pytest.raises(ValueError):
        parsed(channel, {**item, field: lie})


def test_a_day_that_began_below_zero_is_refused() -> None:
    with pytest.raises(ValueError):
        parsed("ticker", {**TICKER, "change": 0.2})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*TRADE, *TICKER]), inner),
    max_leaves=20,
)


@given(JSON, st.sampled_from(["trade", "ticker", "status", "other"]), st.booleans())
def test_no_frame_does_worse_than_being_refused(noise: object, channel: str, wrap: bool) -> None:
    item = {**TRADE, **TICKER, **noise} if isinstance(noise, dict) else noise
    try:
        parsed(channel, item) if wrap else parse_frame(json.dumps(noise))
    except ValueError:
        return


@pytest.mark.parametrize(
    ("symbol", "rest"), [("BTC", "XBTUSD"), ("DOGE", "XDGUSD"), ("ETH", "ETHUSD")]
)
def test_symbols_have_one_name_on_the_stream_and_perhaps_another_beside_it(
    symbol: str, rest: str
) -> None:
    assert symbol_of(pair_of(symbol)) == symbol
    assert rest_pair_of(symbol) == rest


ROW = [1723161240, "61830.0", "61850.0", "61820.0", "61837.6", "61835.2", "12.51", 311]


def test_candles() -> None:
    quiet = [ROW[0] + 60, *["61837.6"] * 4, "0.0", "0.00000000", 0]
    candles = parse_candles({"XXBTZUSD": [ROW, quiet], "last": 1723161180})
    assert candles.tolist() == [
        [1723161240000, 61830.0, 61850.0, 61820.0, 61837.6, 12.51, 12.51 * 61835.2],
        [1723161300000, 61837.6, 61837.6, 61837.6, 61837.6, 0.0, 0.0],
    ]


@pytest.mark.parametrize(
    "result",
    [None, [], {}, {"last": 1}, {"A": [ROW], "B": [ROW]}, {"A": None}, {"A": [None]}]
    + [{"A": [ROW[:6]]}, {"A": [ROW, ROW]}]
    + [{"A": [[*ROW[:i], lie, *ROW[i + 1 :]]]} for i in range(7) for lie in ("NaN", None, "-1")],
)
def test_candles_that_lie_are_refused(result: object) -> None:
    with pytest.raises(ValueError):
        parse_candles(result)


@pytest.mark.served
def test_a_short_gap_is_filled_at_once_by_the_snapshot() -> None:
    """The newest 50 trades of each pair follow the subscription: of those that were missed while
    nobody listened, all reach the market without a candle being asked for."""
    frames = sample_frames(dialect=KRAKEN)
    with ExchangeServer(frames, dialect=KRAKEN) as exchange, RunningFeed(exchange) as running:
        running.connected()
        wait_until(lambda: len(exchange.clients[0].streams) == 6, "the subscriptions")
        running.play(100)
        exchange.rest_faults = ["503"] * 1_000
        exchange.cut()
        exchange.play(100)
        running.connected(2)
        expected = keys_of(frames[:200], KRAKEN)
        wait_until(lambda: set(running.market.trades) == set(expected), "the missed trades")
        for symbol in running.market.symbols:
            volume = sum(key[3] for key in expected if key[0] == symbol)
            assert running.market.forming(symbol).volume == pytest.approx(volume)


@pytest.mark.served
def test_what_lies_too_far_back_to_be_repaired_is_said() -> None:
    """With candles of the last five minutes only, a gap of nine can't be filled."""
    shallow = type(
        "Shallow",
        (QuickKraken,),
        {"candle_terms": replace(QuickKraken.candle_terms, page=5, depth=5)},
    )
    frames = sample_frames(11.0, dialect=KRAKEN)
    may_return = threading.Event()
    may_return.set()
    with (
        ExchangeServer(frames, dialect=KRAKEN) as exchange,
        RunningFeed(
            exchange, "BTC", feed_class=shallow, pause=lambda _: may_return.wait(PATIENCE)
        ) as running,
    ):
        running.connected()
        exchange.play_until(FIRST_MINUTE + MINUTE_MS + 6_000)
        wait_until(lambda: not running.wrong_candles("BTC", FIRST_MINUTE + MINUTE_MS), "a minute")
        # Nothing is lost to a market that has yet to be given its past.
        wait_until(lambda: running.state is FeedState.LIVE and not running.detail, "the past")
        may_return.clear()
        exchange.cut()
        # Back in the middle of this it would find all that it had missed until then.
        exchange.play_until(FIRST_MINUTE + 9 * MINUTE_MS + 10_000)
        exchange.newest["BTC"].clear()
        may_return.set()
        running.connected(2)
        exchange.play(100)
        wait_until(
            lambda: re.search(r"lost: BTC .* to 2026-01-05T12:04Z", running.detail), "the news"
        )
        assert running.state is FeedState.LIVE
        # What can be had, is, before another minute is out of reach: of 12:01 the trades until the
        # cut, of 12:02 to 12:04 nothing.
        for minute in (9, 10):
            exchange.play_until(FIRST_MINUTE + minute * MINUTE_MS + 10_000)
            wait_until(
                lambda: len(running.wrong_candles("BTC", exchange.now_ms - 5_000)) == 4,
                "the minutes after",
            )


@pytest.mark.served
def test_what_the_exchange_says_of_itself_stands_in_the_detail() -> None:
    frames = sample_frames(1.0, dialect=KRAKEN)
    with ExchangeServer(frames, dialect=KRAKEN) as exchange, RunningFeed(exchange) as running:
        running.connected()
        wait_until(lambda: len(exchange.clients[0].streams) == 6, "the subscriptions")
        running.play(100)
        for system, said in (("maintenance", True), ("online", False), ("post_only", True)):
            status = {"channel": "status", "type": "update", "data": [{"system": system}]}
            exchange.send(json.dumps(status))
            wait_until(
                lambda said=said, system=system: (
                    f"the exchange says: {system}" in running.detail
                    if said
                    else "the exchange says" not in running.detail
                ),
                f"the feed to tell of {system}",
            )


@pytest.mark.served
def test_a_connection_is_kept_by_pings() -> None:
    """The exchange ends one on which it has not heard anything for a while."""
    eager = type("Eager", (QuickKraken,), {"keepalive_s": 0.05})
    dialect = Kraken(silence_s=5.0)
    frames = sample_frames(1.0, dialect=dialect)
    with (
        ExchangeServer(frames, dialect=dialect) as exchange,
        RunningFeed(exchange, feed_class=eager) as running,
    ):
        running.connected()
        wait_until(lambda: exchange.requests.count({"method": "ping"}) >= 3, "pings")
        running.play(100)
        assert running.feed.counters["connections"] == 1
        assert not running.feed.counters["bad_message"]


@pytest.mark.served
def test_a_heartbeat_keeps_quiet_symbols_fresh() -> None:
    frames = [frame for frame in sample_frames(1.0, dialect=KRAKEN) if "ADA" not in frame[1]]
    with ExchangeServer(frames, dialect=KRAKEN) as exchange, RunningFeed(exchange) as running:
        running.connected()
        running.play(100)
        wait_until(lambda: running.market.feed_facts.unlisted == ("ADA",), "the facts")
        running.clock.advance(16)
        assert running.market.stale("BTC")

        def fresh() -> bool:
            # Again and again: so long a silence may have been taken for the connection's.
            exchange.send('{"channel":"heartbeat"}')
            return not running.market.stale("BTC")

        wait_until(fresh, "the sign of life")
