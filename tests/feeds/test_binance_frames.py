"""Every message of Binance's wire says what its documentation says, or is refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.feeds.binance_frames import (
    ErrorReply,
    ServerShutdown,
    frame_events,
    pair_of,
    parse_frame,
    parse_klines,
    symbol_of,
)
from backend.market.models import BookTop, DayStatistics, Trade
from tests.feeds.exchange_binance import trades_of
from tests.feeds.exchange_klines import read_frames
from tests.servers import SHARED_DATA

TRADE = {
    "e": "trade",
    "E": 1723161255343,
    "s": "BTCUSDT",
    "t": 3735683259,
    "p": "61837.63000000",
    "q": "0.02000000",
    "T": 1723161255342,
    "m": True,
    "M": True,
}
TICKER = {
    "e": "24hrMiniTicker",
    "E": 1723161256014,
    "s": "BTCUSDT",
    "c": "61837.64000000",
    "o": "55250.01000000",
    "h": "62745.14000000",
    "l": "55100.00000000",
    "v": "41223.51000000",
    "q": "2420133702.11000000",
}
BOOK = {
    "u": 50093239212,
    "s": "BTCUSDT",
    "b": "61837.63000000",
    "B": "3.78826000",
    "a": "61837.64000000",
    "A": "1.54698000",
}
KLINE = [
    1723161240000,
    "61830.01",
    "61850.00",
    "61820.00",
    "61837.64",
    "12.51",
    1723161299999,
    "773521.11",
    311,
    "6.1",
    "377001.0",
    "0",
]
RECORDING = SHARED_DATA / "frames" / "binance-spot-btcusdt-2024-08-08.txt.gz"


def test_a_trade() -> None:
    assert frame_events(json.dumps(TRADE)) == [
        Trade("BTC", 1723161255342, 61837.63, 0.02, 3735683259)
    ]


def test_a_mini_ticker() -> None:
    assert frame_events(json.dumps(TICKER)) == [
        DayStatistics("BTC", 1723161256014, 61837.64, 55250.01, 2420133702.11)
    ]


@pytest.mark.parametrize("message", [TRADE, TICKER])
def test_combined_frames_say_the_same_as_raw_ones(message: dict) -> None:
    combined = json.dumps({"stream": "btcusdt@something", "data": message}).encode()
    assert frame_events(combined) == frame_events(json.dumps(message)) != []


def test_an_array_of_messages_is_one_event_each() -> None:
    assert len(frame_events(json.dumps({"stream": "!x@arr", "data": [TICKER, TRADE]}))) == 2


@pytest.mark.parametrize(
    "frame",
    [
        {"stream": "!serverShutdown", "data": {"e": "serverShutdown", "E": 1770123456789}},
        {"e": "serverShutdown", "E": 1770123456789},
        {"event": {"e": "serverShutdown", "E": 1770123456789}},
    ],
)
def test_a_shutdown_notice_is_recognised_and_is_no_market_data(frame: dict) -> None:
    assert parse_frame(json.dumps(frame)) == [ServerShutdown()]
    assert frame_events(json.dumps(frame)) == []


def test_an_error_reply_is_told_apart() -> None:
    frame = {"error": {"code": 2, "msg": "Invalid request"}, "id": 1}
    assert parse_frame(json.dumps(frame)) == [ErrorReply(2, "Invalid request")]


def test_a_book_ticker() -> None:
    assert frame_events(json.dumps(BOOK)) == [BookTop("BTC", 61837.63, 61837.64)]
    combined = {"stream": "btcusdt@bookTicker", "data": BOOK}
    assert frame_events(json.dumps(combined)) == frame_events(json.dumps(BOOK))


@pytest.mark.parametrize(
    "frame",
    [
        {"result": None, "id": 1},
        {"stream": "btcusdt@depth@100ms", "data": {"e": "depthUpdate", "E": 1, "s": "BTCUSDT"}},
        {"lastUpdateId": 1, "bids": [["1", "2"]], "asks": []},
        {"e": "somethingNew"},
        {"e": ["trade"]},
        {},
    ],
)
def test_other_frames_say_nothing(frame: dict) -> None:
    assert parse_frame(json.dumps(frame)) == []


@pytest.mark.parametrize(
    "text", ["", "garbage", "{", "[1]", "17", '{"data":"x"}', b"\xff\xfe", "null"]
)
def test_garbage_is_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError):
        parse_frame(text)


@pytest.mark.parametrize(
    ("message", "field"),
    [
        *((TRADE, field) for field in "sETtpq"),
        *((TICKER, field) for field in "sEcoq"),
        *((BOOK, field) for field in "sba"),
    ],
)
@pytest.mark.parametrize("lie", [None, "", "x", "NaN", "Infinity", "-1", -1, True, [], 10**30])
def test_a_frame_that_lies_about_a_field_is_refused(message: dict, field: str, lie: object) -> None:
    with pytest.raises(ValueError):
        frame_events(json.dumps({**message, field: lie}))


@pytest.mark.parametrize("pair", ["BTCEUR", "USDT", "btcusdt"])
def test_pairs_of_other_quote_assets_are_refused(pair: str) -> None:
    with pytest.raises(ValueError):
        frame_events(json.dumps({**TRADE, "s": pair}))


def test_a_trade_reported_long_after_it_happened_is_refused() -> None:
    with pytest.raises(ValueError):
        frame_events(json.dumps({**TRADE, "T": TRADE["T"] - 61_000}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*TRADE, "data", "x"]), inner),
    max_leaves=20,
)


@given(JSON, st.sampled_from([TRADE, TICKER, BOOK, {}]), st.booleans())
def test_no_frame_does_worse_than_being_refused(noise: object, message: dict, wrap: bool) -> None:
    frame = {**message, **noise} if isinstance(noise, dict) else noise
    text = json.dumps({"stream": "x", "data": frame} if wrap else frame)
    try:
        frame_events(text)
    except ValueError:
        return


@pytest.mark.parametrize("symbol", ["BTC", "ETH", "1000SATS", "USDTX"])
def test_symbols_and_pairs_map_both_ways(symbol: str) -> None:
    assert symbol_of(pair_of(symbol)) == symbol
    assert pair_of(symbol) == symbol + "USDT"


def test_klines() -> None:
    later = [KLINE[0] + 60_000, *KLINE[1:]]
    assert parse_klines([KLINE, later]).tolist() == [
        [1723161240000, 61830.01, 61850.0, 61820.0, 61837.64, 12.51, 773521.11],
        [1723161300000, 61830.01, 61850.0, 61820.0, 61837.64, 12.51, 773521.11],
    ]
    assert parse_klines([]).shape == (0, 7)


def changed(index: int, value: object) -> list:
    return [*KLINE[:index], value, *KLINE[index + 1 :]]


@pytest.mark.parametrize(
    "rows",
    [
        None,
        {"code": -1003},
        [None],
        [[]],
        [KLINE[:7]],
        ["123456789"],
        [KLINE, KLINE],
        [changed(0, KLINE[0] + 1)],
        [changed(0, "x")],
        [changed(2, "NaN")],
        [changed(2, "Infinity")],
        [changed(2, "61831")],  # a high below the close
        [changed(3, "61835")],  # a low above the open
        [changed(3, "0")],
        [changed(5, "-1")],
        [changed(7, None)],
    ],
)
def test_klines_that_lie_are_refused(rows: object) -> None:
    with pytest.raises(ValueError):
        parse_klines(rows)


@pytest.mark.skipif(not RECORDING.exists(), reason=f"no {RECORDING.name} in ../shared/data")
def test_every_frame_of_a_real_recording_is_understood() -> None:
    frames = read_frames(RECORDING)
    events = [event for _, text in frames for event in frame_events(text)]
    assert [
        (trade["T"], float(trade["p"]), float(trade["q"]), trade["t"])
        for trade in trades_of(frames)
    ] == [(e.time_ms, e.price, e.quantity, e.trade_id) for e in events if isinstance(e, Trade)]
    assert sum(isinstance(event, Trade) for event in events) == 9_757
    assert sum(isinstance(event, BookTop) for event in events) == len(events) - 9_757 == 28_040
    assert np.diff([e.trade_id for e in events if isinstance(e, Trade)]).max() == 1
