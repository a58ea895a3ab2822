"""Coinbase's own ways: what its frames say, and what its feed does about them."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.feeds.coinbase_frames import (
    parse_candles,
    parse_frame,
    product_of,
    symbol_of,
)
from backend.feeds.frames import Earlier, ErrorReply, Pulse
from backend.market.models import BookTop, DayStatistics, Trade
from tests.feeds.exchange_coinbase import COINBASE
from tests.feeds.exchange_klines import milliseconds, read_frames
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.feed_harness import RunningFeed, keys_of
from tests.feeds.sample_frames import sample_frames
from tests.servers import SHARED_DATA, wait_until

RECORDING = SHARED_DATA / "frames" / "coinbase-2021-04-17.txt.gz"

MATCH = {
    "type": "match",
    "trade_id": 1568268,
    "maker_order_id": "cac01d6d-8009-4c33-8e0d-f7f853d7c1bc",
    "taker_order_id": "3dec64e4-f6ad-4ca8-ad3f-e5b1a0eb0d06",
    "side": "sell",
    "size": "450",
    "price": "0.791",
    "product_id": "SKL-USD",
    "sequence": 201390075,
    "time": "2021-04-17T16:43:37.121358Z",
}
TICKER = {
    "type": "ticker",
    "sequence": 201390075,
    "product_id": "SKL-USD",
    "price": "0.791",
    "open_24h": "0.7055",
    "volume_24h": "34220478.50000000",
    "low_24h": "0.6915",
    "high_24h": "0.8098",
    "volume_30d": "948647831.20000000",
    "best_bid": "0.7901",
    "best_ask": "0.7912",
    "side": "buy",
    "time": "2021-04-17T16:43:37.121358Z",
    "trade_id": 1568268,
    "last_size": "450",
}
HEARTBEAT = {
    "type": "heartbeat",
    "last_trade_id": 1568268,
    "product_id": "SKL-USD",
    "sequence": 201390090,
    "time": "2021-04-17T16:43:38.000000Z",
}
TIME_MS = 1_618_677_817_121


def parsed(message: object) -> list:
    return parse_frame(json.dumps(message))


def test_a_match_is_a_trade() -> None:
    trade = Trade("SKL", TIME_MS, 0.791, 450.0, 1568268)
    assert parsed(MATCH) == [trade]
    assert parsed({**MATCH, "type": "last_match"}) == [Earlier(trade)]


def test_a_ticker_has_the_figures_of_a_day_and_the_top_of_the_book() -> None:
    mean = (0.791 + 0.7055 + 0.6915 + 0.8098) / 4
    day, book = parsed(TICKER)
    assert day == DayStatistics("SKL", TIME_MS, 0.791, 0.7055, pytest.approx(34220478.5 * mean))
    assert book == BookTop("SKL", 0.7901, 0.7912)


@pytest.mark.parametrize("side", ["best_bid", "best_ask"])
def test_a_book_with_an_empty_side_has_no_top(side: str) -> None:
    assert [type(event) for event in parsed({**TICKER, side: "0"})] == [DayStatistics]


def test_a_heartbeat_tells_the_time_and_the_newest_trade() -> None:
    assert parsed(HEARTBEAT) == [Pulse("SKL", 1_618_677_818_000, 1568268)]


def test_an_error_names_the_product_it_is_about() -> None:
    error = {"type": "error", "message": "Failed to subscribe"}
    reason = "NOPE-USD is not a valid product"
    refused = parsed({**error, "reason": reason})
    assert refused == [ErrorReply("NOPE", f"Failed to subscribe: {reason}")]
    assert parsed({**error, "reason": "rate limit"})[0].symbol is None


@pytest.mark.parametrize("frame", [{}, {"type": "subscriptions"}, {"type": 3}, {"type": "new"}])
def test_other_frames_say_nothing(frame: dict) -> None:
    assert parsed(frame) == []


@pytest.mark.parametrize("text", ["", "garbage", "{", "[1]", "17", b"\xff", "null"])
def test_garbage_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parse_frame(text)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        *((MATCH, field) for field in ("trade_id", "size", "price", "product_id", "time")),
        *((TICKER, field) for field in ("price", "open_24h", "volume_24h", "best_bid", "time")),
        *((HEARTBEAT, field) for field in ("last_trade_id", "product_id", "time")),
    ],
)
@pytest.mark.parametrize("lie", [None, "", "x", "NaN", "-Infinity", -1, True, [], 1e30])
def test_a_frame_that_lies_about_a_field_is_refused(message: dict, field: str, lie: object) -> None:
    with pytest.raises(ValueError):
        parsed({**message, field: lie})


def test_products_of_other_currencies_are_refused() -> None:
    for product in ("BTC-GBP", "-USD", "btc-eur"):
        with pytest.raises(ValueError):
            parsed({**MATCH, "product_id": product})
    assert symbol_of(product_of("1INCH")) == "1INCH"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*MATCH, *TICKER]), inner),
    max_leaves=20,
)


@given(JSON, st.sampled_from([MATCH, TICKER, HEARTBEAT, {"type": "error"}, {}]))
def test_no_frame_does_worse_than_being_refused(noise: object, message: dict) -> None:
    try:
        parsed({**message, **noise} if isinstance(noise, dict) else noise)
    except ValueError:
        return


CANDLE = [1618677780, 0.7901, 0.7915, 0.7904, 0.7912, 53211.4]


def test_candles_are_turned_into_the_order_of_time() -> None:
    later = [CANDLE[0] + 60, *CANDLE[1:]]
    worth = 53211.4 * (0.7901 + 0.7915 + 0.7904 + 0.7912) / 4
    for row, minute in zip(parse_candles([later, CANDLE]), (0, 60_000), strict=True):
        expected = [1618677780000 + minute, 0.7904, 0.7915, 0.7901, 0.7912, 53211.4, worth]
        assert row.tolist() == pytest.approx(expected)
    assert parse_candles([]).shape == (0, 7)


@pytest.mark.parametrize(
    "rows",
    [None, {"message": "NotFound"}, [None], [[]], [CANDLE[:5]], [CANDLE, CANDLE]]
    + [[[*CANDLE[:index], lie, *CANDLE[index + 1 :]]] for index in range(6) for lie in (None, -1)],
)
def test_candles_that_lie_are_refused(rows: object) -> None:
    with pytest.raises(ValueError):
        parse_candles(rows)


@pytest.mark.skipif(not RECORDING.exists(), reason=f"no {RECORDING.name} in ../shared/data")
def test_every_frame_of_a_real_recording_is_understood() -> None:
    kinds: dict[str, int] = {}
    with gzip.open(RECORDING, "rt") as file:
        messages = [json.loads(line.split(" ", 1)[1]) for line in file]
    for message in messages:
        if "product_id" in message:
            # The recording's products are mostly of other currencies.
            message["product_id"] = message["product_id"].split("-")[0] + "-USD"
        for event in parsed(message):
            kinds[type(event).__name__] = kinds.get(type(event).__name__, 0) + 1
            if isinstance(event, Trade | Earlier):
                trade = event if isinstance(event, Trade) else event.trade
                told = (float(message["price"]), float(message["size"]))
                assert (trade.price, trade.quantity) == told
                assert trade.time_ms == milliseconds(message["time"])
    assert kinds == {"Earlier": 10, "Trade": 97, "DayStatistics": 107, "BookTop": 107}


@pytest.mark.served
@pytest.mark.skipif(not RECORDING.exists(), reason=f"no {RECORDING.name} in ../shared/data")
def test_a_real_recording_reaches_the_market_unchanged() -> None:
    # Those of its own subscriptions the local exchange says itself.
    frames = [frame for frame in read_frames(RECORDING) if '"last_match"' not in frame[1]]
    tickers = [text for _, text in frames if '"ticker"' in text and "SKL-USD" in text]
    last = json.loads(tickers[-1])
    with ExchangeServer(frames, dialect=COINBASE) as exchange:
        assert exchange.klines.symbols == ["SKL"]
        with RunningFeed(exchange, "SKL") as running:
            running.connected()
            wait_until(lambda: exchange.clients[0].streams, "the subscription")
            running.play(len(frames))
            assert running.market.trades == keys_of(frames, COINBASE)
            ask = float(last["best_ask"])
            wait_until(lambda: running.market.quote("SKL").ask == ask, "the last ticker")
            quote = running.market.quote("SKL")
            assert (quote.bid, quote.price) == (float(last["best_bid"]), float(last["price"]))
            opened = float(last["open_24h"])
            assert quote.change_24h == pytest.approx((quote.price / opened - 1) * 100, abs=1e-2)


@pytest.mark.served
def test_a_quiet_product_is_known_at_once_by_its_last_match() -> None:
    with ExchangeServer(sample_frames(dialect=COINBASE), dialect=COINBASE) as exchange:
        exchange.play(100)  # nobody listens to these
        with RunningFeed(exchange) as running:
            wait_until(lambda: running.market.quote("ADA"), "a quote")
            last = exchange.newest["ADA"][-1]
            wait_until(lambda: running.market.quote("ADA").price == float(last.price), "its price")


@pytest.mark.served
def test_a_match_lost_at_the_end_is_shown_by_the_heartbeat() -> None:
    """Nothing follows it that would have a later id."""
    frames = sample_frames(dialect=COINBASE)
    with ExchangeServer(frames, dialect=COINBASE) as exchange, RunningFeed(exchange) as running:
        running.connected()
        wait_until(lambda: len(exchange.clients[0].streams) == 9, "the subscriptions")
        running.play(300)
        lost = exchange.position
        exchange.stall()
        exchange.play(50)
        exchange.stall(False)
        assert keys_of(frames[lost : exchange.position], COINBASE)
        silence = [frame for frame in frames[exchange.position :] if '"match"' not in frame[1]]
        exchange.frames = frames[: exchange.position] + silence
        exchange.play(100)
        wait_until(lambda: running.feed.counters["trade_gaps"] >= 3, "the gaps to be seen")
        exchange.play(len(exchange.frames))
        for symbol in running.market.symbols:
            wait_until(
                lambda symbol=symbol: not running.wrong_candles(symbol, exchange.now_ms - 5_000),
                f"candles of {symbol} to equal the exchange's",
            )
