"""Coinbase Exchange's protocol, as the local exchange speaks it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from backend.feeds.coinbase import CoinbaseFeed
from tests.feeds.exchange_dialect import (
    Answer,
    Dialect,
    RowsOf,
    SampleDay,
    SampleTrade,
    Subscriber,
)
from tests.feeds.exchange_klines import MINUTE_MS, Frame, PlayedTrade, Row, milliseconds, timestamp

SUFFIX = "-USD"
CHANNELS = {"match": "matches", "ticker": "ticker", "heartbeat": "heartbeat"}
CANDLES_MAX = 300


class QuickCoinbase(CoinbaseFeed):
    candle_terms = replace(CoinbaseFeed.candle_terms, pause_s=0.0)


class Coinbase(Dialect):
    """A request is refused as a whole for one product that isn't listed, and who subscribes to
    nothing is closed."""

    name = "coinbase"
    feed_class = QuickCoinbase
    every_minute = False
    quote_volume_rtol = None
    first_request_s = 5.0

    def trades_of(self, text: str) -> list[PlayedTrade]:
        message = json.loads(text)
        product = message.get("product_id", "")
        if message.get("type") != "match" or not product.endswith(SUFFIX):
            return []
        return [
            PlayedTrade(
                product.removesuffix(SUFFIX),
                message["trade_id"],
                Decimal(message["price"]),
                Decimal(message["size"]),
                milliseconds(message["time"]),
            )
        ]

    def stream_of(self, message: dict[str, Any]) -> str:
        channel = CHANNELS.get(message.get("type", ""))
        return f"{channel}:{message['product_id']}" if channel else ""

    def answers(
        self,
        subscriber: Subscriber,
        request: Any,
        listed: list[str],
        played: Mapping[str, list[PlayedTrade]],
    ) -> Iterable[str]:
        products, channels = request["product_ids"], request["channels"]
        if request["type"] == "unsubscribe":
            subscriber.streams.difference_update(
                f"{name}:{product}" for name in channels for product in products
            )
            return [json.dumps({"type": "subscriptions", "channels": []})]
        for product in products:
            if product.removesuffix(SUFFIX) not in listed:
                reason = f"{product} is not a valid product"
                error = {"type": "error", "message": "Failed to subscribe", "reason": reason}
                return [json.dumps(error)]
        subscriber.streams.update(f"{name}:{product}" for name in channels for product in products)
        last = [
            {**_match(trade), "type": "last_match"}
            for product in products
            for trade in played[product.removesuffix(SUFFIX)][-1:]
        ]
        return [
            *map(json.dumps, last),
            json.dumps(
                {
                    "type": "subscriptions",
                    "channels": [{"name": name, "product_ids": products} for name in channels],
                }
            ),
        ]

    def rest(
        self, path: str, query: dict[str, str], headers: Mapping[str, str], rows_of: RowsOf
    ) -> Answer:
        if "User-Agent" not in headers:
            return Answer({"message": "User-Agent header is required."}, 400)
        parts = path.strip("/").split("/")
        if len(parts) != 3 or parts[0] != "products" or parts[2] != "candles":
            return Answer({"message": "Route not found"}, 404)
        if query.get("granularity") != "60":
            return Answer({"message": "Unsupported granularity"}, 400)
        try:
            rows = rows_of(parts[1].removesuffix(SUFFIX))
        except KeyError:
            return Answer({"message": "NotFound"}, 404)
        if "start" in query and "end" in query:
            start, end = milliseconds(query["start"]), milliseconds(query["end"])
            if (end - start) // MINUTE_MS + 1 > CANDLES_MAX:
                return Answer({"message": "granularity too small for the requested time"}, 400)
            # It may give some of before, too.
            rows = [row for row in rows if start - 5 * MINUTE_MS <= row[0] <= end]
        return Answer([_candle(row) for row in rows[: -CANDLES_MAX - 1 : -1]])

    def listing(self, path: str, symbols: list[str]) -> Answer | None:
        if path == "/currencies":
            return Answer([{"id": symbol, "name": f"{symbol} coin"} for symbol in symbols])
        if path != "/products":
            return None
        products = [
            {
                "id": f"{symbol}-{quote}",
                "base_currency": symbol,
                "quote_currency": quote,
                "status": "online",
                "trading_disabled": False,
            }
            for symbol in symbols
            for quote in ("USD", "EUR")
        ]
        gone = {**products[0], "id": "GONE-USD", "base_currency": "GONE", "trading_disabled": True}
        return Answer([*products, gone])

    def limit(self) -> Answer:
        return Answer({"message": "Public rate limit exceeded"}, 429)

    def trade_frames(self, trade: SampleTrade) -> list[Frame]:
        side = "buy" if trade.buyer_is_maker else "sell"
        return [(trade.time_ms, json.dumps({**_match(trade.played()), "side": side}))]

    def day_frames(self, day: SampleDay) -> list[Frame]:
        ticker = {
            "type": "ticker",
            "sequence": day.time_ms,
            "product_id": day.symbol + SUFFIX,
            "price": f"{day.close:.8f}",
            "open_24h": f"{day.open:.8f}",
            "volume_24h": f"{day.volume / day.close:.8f}",
            "low_24h": f"{day.open * 0.9:.8f}",
            "high_24h": f"{day.open * 1.1:.8f}",
            "best_bid": f"{day.bid:.8f}",
            "best_ask": f"{day.ask:.8f}",
            "side": "buy",
            "time": timestamp(day.time_ms),
            "trade_id": day.last_trade_id,
            "last_size": "1.0",
        }
        heartbeat = {
            "type": "heartbeat",
            "last_trade_id": day.last_trade_id,
            "product_id": day.symbol + SUFFIX,
            "sequence": day.time_ms,
            "time": timestamp(day.time_ms),
        }
        return [(day.time_ms, json.dumps(ticker)), (day.time_ms, json.dumps(heartbeat))]


def _match(trade: PlayedTrade) -> dict[str, Any]:
    return {
        "type": "match",
        "trade_id": trade.trade_id,
        "maker_order_id": "cac01d6d-8009-4c33-8e0d-f7f853d7c1bc",
        "taker_order_id": "3dec64e4-f6ad-4ca8-ad3f-e5b1a0eb0d06",
        "side": "sell",
        "size": f"{trade.quantity:f}",
        "price": f"{trade.price:f}",
        "product_id": trade.symbol + SUFFIX,
        "sequence": trade.time_ms,
        "time": timestamp(trade.time_ms),
    }


def _candle(row: Row) -> list[float]:
    minute, open_, high, low, close, volume, _, _ = row
    return [minute // 1000, *map(float, (low, high, open_, close, volume))]


COINBASE = Coinbase()
