"""What Kraken sends, as values: one parser for each wire message. No sockets, no state.

Source: "Spot WebSocket API v2" and "Get OHLC Data" of the exchange's documentation. Every parser
raises ValueError for a message that lacks a field or lies about one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backend.feeds.frames import (
    Earlier,
    ErrorReply,
    FeedEvent,
    Pulse,
    base_of,
    candle_array,
    instant,
    json_object,
    not_negative,
    number,
    objects,
    positive,
    text,
    whole,
)
from backend.feeds.listing import Listed
from backend.market.models import BookTop, CandleArray, DayStatistics, Trade

SUFFIX = "/USD"
# Where the names of the REST side are not those of the stream, which are the usual ones.
REST_NAMES = {"BTC": "XBT", "DOGE": "XDG"}
_STREAM_NAMES = {rest: stream for stream, rest in REST_NAMES.items()}


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """What the exchange does at present: `online`, `maintenance`, `cancel_only`, `post_only`."""

    system: str


FrameEvent = FeedEvent | SystemStatus | ErrorReply


def pair_of(symbol: str) -> str:
    """The stream's name of a symbol's market: BTC -> BTC/USD."""
    return symbol + SUFFIX


def rest_pair_of(symbol: str) -> str:
    """The REST side's name of a symbol's market: BTC -> XBTUSD."""
    return REST_NAMES.get(symbol, symbol) + "USD"


def symbol_of(pair: Any) -> str:
    """BTC/USD -> BTC; ValueError where the pair is not quoted in USD."""
    return base_of(pair, SUFFIX)


def parse_frame(frame: str | bytes) -> list[FrameEvent]:
    """Everything that one frame says; frames of other kinds yield nothing."""
    message = json_object(frame)
    if message.get("success") is False:
        return [parse_error(message)]
    channel = message.get("channel")
    if channel == "heartbeat":
        return [Pulse()]
    parser = _PARSERS.get(channel) if isinstance(channel, str) else None
    if parser is None:
        return []
    snapshot = message.get("type") == "snapshot"
    return [
        Earlier(event) if snapshot and isinstance(event, Trade) else event
        for item in objects(message.get("data"))
        for event in parser(item)
    ]


def parse_trade(item: dict[str, Any]) -> list[FrameEvent]:
    """A trade; `trade_id` grows by one with each of the pair.

    {"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"buy","price":50000.1,
     "qty":0.5,"ord_type":"market","trade_id":4665846,
     "timestamp":"2023-09-25T07:49:37.708706Z"}]}

    A message of the type `snapshot` follows a subscription, with the last 50.
    """
    return [
        Trade(
            symbol=symbol_of(item.get("symbol")),
            time_ms=instant(item, "timestamp"),
            price=positive(item, "price", number),
            quantity=positive(item, "qty", number),
            trade_id=whole(item, "trade_id"),
        )
    ]


def parse_ticker(item: dict[str, Any]) -> list[FrameEvent]:
    """The best bid and ask, and the figures of 24 h.

    {"channel":"ticker","type":"update","data":[{"symbol":"ALGO/USD","bid":0.10025,
     "bid_qty":740.0,"ask":0.10036,"ask_qty":1361.44,"last":0.10035,"volume":997038.98,
     "vwap":0.10148,"low":0.09979,"high":0.10285,"change":-0.00017,"change_pct":-0.17,
     "timestamp":"2023-09-25T09:04:31.742648Z"}]}

    The volume is in the base asset, `vwap` the mean price that was paid for it. A side of the book
    that is empty stands as zero.
    """
    symbol, last = symbol_of(item.get("symbol")), positive(item, "last", number)
    opening = last - number(item, "change")
    if opening <= 0:
        raise ValueError(f"change is not one of {last}: {item['change']}")
    volume = not_negative(item, "volume", number) * not_negative(item, "vwap", number)
    events: list[FrameEvent] = [
        DayStatistics(symbol, instant(item, "timestamp"), last, opening, volume)
    ]
    bid, ask = number(item, "bid"), number(item, "ask")
    if bid > 0 and ask > 0:
        events.append(BookTop(symbol, bid, ask))
    return events


def parse_status(item: dict[str, Any]) -> list[FrameEvent]:
    """What the exchange does: told at first, and when it changes.

    {"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online",
     "api_version":"v2","connection_id":13834774380200032777}]}
    """
    return [SystemStatus(text(item, "system"))]


def parse_error(message: dict[str, Any]) -> ErrorReply:
    """The answer to a request that could not be served.

    {"method":"subscribe","success":false,"error":"Currency pair not supported NOPE/USD",
     "symbol":"NOPE/USD","time_in":"...","time_out":"..."}
    """
    error = text(message, "error")
    if not error.startswith("Currency pair not supported"):
        return ErrorReply(None, error)
    return ErrorReply(symbol_of(error.split()[-1]), error)


_PARSERS: dict[str, Callable[[dict[str, Any]], list[FrameEvent]]] = {
    "trade": parse_trade,
    "ticker": parse_ticker,
    "status": parse_status,
}


def parse_candles(result: Any) -> CandleArray:
    """The `result` of `GET /0/public/OHLC`, as a `CandleArray`.

    {"XXBTZUSD":[[1723161240,"61830.0","61850.0","61820.0","61837.6","61835.2","12.51000000",311],
     ...],"last":1723161180}: time in seconds, open, high, low, close, the mean price that was paid
    (zero in a minute without a trade), volume in the base asset, count. The pair stands under a
    name of the exchange's own. The last one is still forming.
    """
    if not isinstance(result, dict):
        raise ValueError(f"the result is not an object: {str(result)[:40]!r}")
    series = [rows for name, rows in result.items() if name != "last"]
    if len(series) != 1:
        raise ValueError(f"the result has {len(series)} series")

    def read(row: Any) -> list[float]:
        time_s, open_, high, low, close, paid, volume = map(float, row[:7])
        return [1000 * time_s, open_, high, low, close, volume, volume * paid]

    return candle_array(series[0], read)


def parse_pair(pair: dict[str, Any]) -> Listed | None:
    """One of the pairs of `GET /0/public/AssetPairs`; None for one of another quote currency, or
    that can't be traded now.

    {"altname":"XBTUSD","wsname":"XBT/USD","aclass_base":"currency","base":"XXBT",
     "quote":"ZUSD",...,"status":"online"}
    """
    # A few that are not for everybody have no name on the stream.
    name = str(pair.get("wsname", ""))
    if not name.endswith(SUFFIX) or pair.get("status") != "online":
        return None
    base = name.removesuffix(SUFFIX)
    return Listed(_STREAM_NAMES.get(base, base))
