"""What Coinbase Exchange sends, as values: one parser for each wire message. No sockets, no state.

Source: "WebSocket Channels", "Overview" and "Get product candles" of the Coinbase Exchange
documentation. Every parser raises ValueError for a message that lacks a field or lies about one.
"""

from collections.abc import Callable, Mapping
from operator import itemgetter
from typing import Any

from backend.feeds.frames import (
    Earlier,
    ErrorReply,
    FeedEvent,
    Pulse,
    base_of,
    candle_array,
    decimal,
    instant,
    json_object,
    not_negative,
    positive,
    text,
    whole,
)
from backend.feeds.listing import Listed
from backend.market.models import BookTop, CandleArray, DayStatistics, Trade

SUFFIX = "-USD"


FrameEvent = FeedEvent | ErrorReply


def product_of(symbol: str) -> str:
    """The exchange's name of a symbol's market: BTC -> BTC-USD."""
    return symbol + SUFFIX


def symbol_of(product: Any) -> str:
    """BTC-USD -> BTC; ValueError where the product is not quoted in USD."""
    return base_of(product, SUFFIX)


def parse_frame(frame: str | bytes) -> list[FrameEvent]:
    """Everything that one frame says; frames of other kinds yield nothing."""
    message = json_object(frame)
    kind = message.get("type")
    parser = _PARSERS.get(kind) if isinstance(kind, str) else None
    return parser(message) if parser else []


def parse_match(message: dict[str, Any]) -> list[FrameEvent]:
    """A trade; `trade_id` grows by one for each product.

    {"type":"match","trade_id":1568268,"maker_order_id":"cac01d6d-8009-4c33-8e0d-f7f853d7c1bc",
     "taker_order_id":"3dec64e4-f6ad-4ca8-ad3f-e5b1a0eb0d06","side":"sell","size":"450",
     "price":"0.791","product_id":"SKL-USD","sequence":201390075,
     "time":"2021-04-17T16:43:37.121358Z"}
    """
    return [_trade(message)]


def parse_last_match(message: dict[str, Any]) -> list[FrameEvent]:
    """The last trade before the subscription, which is answered with it: {"type":"last_match",...},
    else as a match."""
    return [Earlier(_trade(message))]


def _trade(message: dict[str, Any]) -> Trade:
    return Trade(
        symbol=symbol_of(message.get("product_id")),
        time_ms=instant(message, "time"),
        price=positive(message, "price"),
        quantity=positive(message, "size"),
        trade_id=whole(message, "trade_id"),
    )


def parse_ticker(message: dict[str, Any]) -> list[FrameEvent]:
    """The best bid and ask, and the figures of 24 h, after a match.

    {"type":"ticker","sequence":201390075,"product_id":"SKL-USD","price":"0.791",
     "open_24h":"0.7055","volume_24h":"34220478.50000000","low_24h":"0.6915",
     "high_24h":"0.8098","volume_30d":"948647831.20000000","best_bid":"0.7901",
     "best_ask":"0.7912","side":"buy","time":"2021-04-17T16:43:37.121358Z",
     "trade_id":1568268,"last_size":"450"}

    The volume is in the base asset; it is taken to have been traded at the mean of the day's open,
    high, low and last price. A side of the book that is empty stands as zero.
    """
    symbol = symbol_of(message.get("product_id"))
    prices = [positive(message, name) for name in ("price", "open_24h", "low_24h", "high_24h")]
    close, open_, *_ = prices
    volume = not_negative(message, "volume_24h")
    events: list[FrameEvent] = [
        DayStatistics(
            symbol=symbol,
            time_ms=instant(message, "time"),
            close=close,
            open=open_,
            quote_volume=volume * sum(prices) / len(prices),
        )
    ]
    bid, ask = decimal(message, "best_bid"), decimal(message, "best_ask")
    if bid > 0 and ask > 0:
        events.append(BookTop(symbol, bid, ask))
    return events


def parse_heartbeat(message: dict[str, Any]) -> list[FrameEvent]:
    """Sent each second for each product.

    {"type":"heartbeat","last_trade_id":1568268,"product_id":"SKL-USD","sequence":201390090,
     "time":"2021-04-17T16:43:38.000000Z"}
    """
    return [
        Pulse(
            symbol=symbol_of(message.get("product_id")),
            time_ms=instant(message, "time"),
            last_trade_id=whole(message, "last_trade_id"),
        )
    ]


def parse_error(message: dict[str, Any]) -> list[FrameEvent]:
    """The answer to a request that could not be served.

    {"type":"error","message":"Failed to subscribe","reason":"NOPE-USD is not a valid product"}
    """
    reason = text(message, "reason")
    named = [word.removesuffix(SUFFIX) for word in reason.split() if word.endswith(SUFFIX)]
    symbol = named[0] if len(named) == 1 else None
    return [ErrorReply(symbol, f"{text(message, 'message')}: {reason}")]


_PARSERS: dict[str, Callable[[dict[str, Any]], list[FrameEvent]]] = {
    "match": parse_match,
    "last_match": parse_last_match,
    "ticker": parse_ticker,
    "heartbeat": parse_heartbeat,
    "error": parse_error,
}

_CANDLE_FIELDS = itemgetter(0, 3, 2, 1, 4, 5)


def parse_candles(rows: Any) -> CandleArray:
    """The answer of `GET /products/<id>/candles`, which has the newest first, as a `CandleArray`.

    [[1618677780,0.7901,0.7915,0.7904,0.7912,53211.4], ...]: time in seconds, low, high, open,
    close, volume in the base asset; what that was worth is taken at the mean of the four prices.
    """

    def read(row: Any) -> list[float]:
        time_s, open_, high, low, close, volume = map(float, _CANDLE_FIELDS(row))
        worth = volume * (open_ + high + low + close) / 4
        return [1000 * time_s, open_, high, low, close, volume, worth]

    return candle_array(rows[::-1] if isinstance(rows, list) else rows, read)


def parse_currency(currency: dict[str, Any]) -> tuple[str, str]:
    """One of `GET /currencies`: what it is called, and its name.

    {"id":"BTC","name":"Bitcoin","min_size":"0.00000001","status":"online",...}
    """
    return text(currency, "id"), text(currency, "name")


def parse_product(product: dict[str, Any], names: Mapping[str, str]) -> Listed | None:
    """One of `GET /products`; None for one of another quote currency, or that can't be traded now.

    {"id":"BTC-USD","base_currency":"BTC","quote_currency":"USD",...,"status":"online",
     "trading_disabled":false,...}
    """
    if product.get("quote_currency") != SUFFIX[1:] or product.get("status") != "online":
        return None
    if product.get("trading_disabled"):
        return None
    base = text(product, "base_currency")
    return Listed(base, names.get(base, ""))
