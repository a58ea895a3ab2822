"""What Binance spot sends, as values: one parser for each wire message. No sockets, no state.

Source: "WebSocket Streams for Binance" and "Market Data endpoints" of the exchange's spot API
documentation. Every parser raises ValueError for a message that lacks a field or lies about one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import orjson

from backend.clock import MINUTE_MS
from backend.feeds.frames import base_of, candle_array, not_negative, positive, text, whole
from backend.feeds.listing import Listed
from backend.market.models import BookTop, CandleArray, DayStatistics, Trade

# Every pair is quoted in the dollar stablecoin with by far the deepest books.
QUOTE_ASSET = "USDT"

# Between a trade and its report lie milliseconds; a frame that claims more is not believed.
EVENT_DELAY_MAX_MS = MINUTE_MS


@dataclass(frozen=True, slots=True)
class ServerShutdown:
    """The exchange is about to close this connection; a new one should be opened at once."""


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """The exchange refused a request that was sent over the stream."""

    code: int
    message: str


FrameEvent = Trade | DayStatistics | BookTop | ServerShutdown | ErrorReply


def pair_of(symbol: str) -> str:
    """The exchange's name of a symbol's market: BTC -> BTCUSDT."""
    return symbol + QUOTE_ASSET


def symbol_of(pair: Any) -> str:
    """BTCUSDT -> BTC; ValueError where the pair is not quoted in `QUOTE_ASSET`."""
    return base_of(pair, QUOTE_ASSET)


def frame_events(frame: str | bytes) -> list[Trade | DayStatistics | BookTop]:
    """The market data in one frame; empty for frames of other kinds."""
    return [
        event for event in parse_frame(frame) if isinstance(event, Trade | DayStatistics | BookTop)
    ]


def parse_frame(frame: str | bytes) -> list[FrameEvent]:
    """Everything that one frame says, from a raw (`/ws`) or a combined (`/stream`) connection.

    A combined frame is `{"stream":"btcusdt@trade","data":{...}}`, a raw one is the data alone.
    Depth and replies to successful requests yield nothing.
    """
    decoded = orjson.loads(frame)  # JSONDecodeError is a ValueError
    data = decoded.get("data", decoded) if isinstance(decoded, dict) else decoded
    messages = data if isinstance(data, list) else [data]
    return [event for message in messages if (event := _parse_message(message)) is not None]


def _parse_message(message: Any) -> FrameEvent | None:
    if not isinstance(message, dict):
        raise ValueError(f"not an object: {str(message)[:40]!r}")
    if "error" in message:
        return parse_error(message)
    if isinstance(message.get("event"), dict):
        message = message["event"]
    kind = message.get("e")  # absent in book tickers and replies
    if kind is None and message.keys() >= _BOOK_FIELDS:
        return parse_book_ticker(message)
    parser = _PARSERS.get(kind) if isinstance(kind, str) else None
    return parser(message) if parser else None


def parse_trade(message: dict[str, Any]) -> Trade:
    """A trade; `t` grows by one with each trade of the pair, `T` is its time, `E` the report's.

    {"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000",
     "q":"0.02000000","T":1723161255342,"m":true,"M":true}
    """
    time_ms = whole(message, "T")
    if abs(whole(message, "E") - time_ms) > EVENT_DELAY_MAX_MS:
        raise ValueError("trade and event time are over a minute apart")
    return Trade(
        symbol=symbol_of(message.get("s")),
        time_ms=time_ms,
        price=positive(message, "p"),
        quantity=positive(message, "q"),
        trade_id=whole(message, "t"),
    )


def parse_mini_ticker(message: dict[str, Any]) -> DayStatistics:
    """The figures of the 24 h that end at `E`; sent once a second while they change.

    {"e":"24hrMiniTicker","E":1723161256014,"s":"BTCUSDT","c":"61837.64000000",
     "o":"55250.01000000","h":"62745.14000000","l":"55100.00000000","v":"41223.51000000",
     "q":"2420133702.11000000"}
    """
    return DayStatistics(
        symbol=symbol_of(message.get("s")),
        time_ms=whole(message, "E"),
        close=positive(message, "c"),
        open=positive(message, "o"),
        quote_volume=not_negative(message, "q"),
    )


_BOOK_FIELDS = {"u", "s", "b", "a"}


def parse_book_ticker(message: dict[str, Any]) -> BookTop:
    """The best bid and ask, and the amounts there; sent with each change of any of them.

    {"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000",
     "a":"61837.64000000","A":"1.54698000"}
    """
    return BookTop(
        symbol=symbol_of(message.get("s")),
        bid=positive(message, "b"),
        ask=positive(message, "a"),
    )


def parse_shutdown(message: dict[str, Any]) -> ServerShutdown:
    """The notice that goes ahead of a restart of the exchange's server.

    {"e":"serverShutdown","E":1770123456789}
    """
    return ServerShutdown()


def parse_error(message: dict[str, Any]) -> ErrorReply:
    """The answer to a request that the exchange could not serve.

    {"error":{"code":2,"msg":"Invalid request: unknown variant"},"id":1}
    """
    error = message["error"]
    if not isinstance(error, dict):
        raise ValueError("error is not an object")
    return ErrorReply(whole(error, "code"), text(error, "msg"))


_PARSERS: dict[str, Callable[[dict[str, Any]], FrameEvent]] = {
    "trade": parse_trade,
    "24hrMiniTicker": parse_mini_ticker,
    "serverShutdown": parse_shutdown,
}


# In the order of a CandleArray's columns; 6 is the minute's end.
_KLINE_FIELDS = itemgetter(0, 1, 2, 3, 4, 5, 7)


def parse_klines(rows: Any) -> CandleArray:
    """The answer of `GET /api/v3/klines` with `interval=1m`, as a `CandleArray`.

    [[1723161240000,"61830.01000000","61850.00000000","61820.00000000","61837.64000000",
      "12.51000000",1723161299999,"773521.11000000",311,"6.10000000","377001.00000000","0"], ...]

    The last one may be a minute that is still forming.
    """
    return candle_array(rows, lambda row: map(float, _KLINE_FIELDS(row)))


def parse_pair(pair: dict[str, Any]) -> Listed | None:
    """One of the `symbols` of `GET /api/v3/exchangeInfo`; None for one of another quote asset.

    {"symbol":"BTCUSDT","status":"TRADING","baseAsset":"BTC","baseAssetPrecision":8,
     "quoteAsset":"USDT",...,"filters":[...]}
    """
    if pair.get("quoteAsset") != QUOTE_ASSET or pair.get("status") != "TRADING":
        return None
    return Listed(text(pair, "baseAsset"))
