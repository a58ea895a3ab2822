"""Binance's protocol, as the local exchange speaks it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

from backend.feeds.binance import BinanceFeed
from tests.feeds.exchange_dialect import (
    Answer,
    Dialect,
    RowsOf,
    SampleDay,
    SampleTrade,
    Subscriber,
)
from tests.feeds.exchange_klines import INTERVALS, Frame, PlayedTrade, Row, longer

# How many rows a request gets at most, and when it names no limit.
KLINES_MAX, KLINES_DEFAULT = 1_000, 500


def trades_of(frames: Iterable[Frame]) -> Iterator[dict[str, Any]]:
    """The trade messages among frames, whether combined or raw."""
    for _, text in frames:
        if '"e":"trade"' in text:
            message = json.loads(text)
            yield message.get("data", message)


class Binance(Dialect):
    name = "binance"
    feed_class = BinanceFeed

    def trades_of(self, text: str) -> list[PlayedTrade]:
        return [
            PlayedTrade(
                trade["s"].removesuffix("USDT"),
                trade["t"],
                Decimal(trade["p"]),
                Decimal(trade["q"]),
                trade["T"],
            )
            for trade in trades_of([(0, text)])
        ]

    def stream_of(self, message: dict[str, Any]) -> str:
        stream = str(message.get("stream", ""))
        return "" if stream.startswith("!") else stream

    def offered(self, subscriber: Subscriber, text: str, message: dict[str, Any]) -> str:
        return json.dumps(message["data"]) if subscriber.raw and "stream" in message else text

    def named_in(self, path: str) -> tuple[bool, set[str]]:
        parts = urlsplit(path)
        raw = "/ws" in parts.path
        named = (
            parts.path.split("/ws/")[-1] if raw else parse_qs(parts.query).get("streams", [""])[0]
        )
        return raw, {name for name in named.split("/") if "@" in name}

    def answers(
        self,
        subscriber: Subscriber,
        request: Any,
        listed: list[str],
        played: Mapping[str, list[PlayedTrade]],
    ) -> Iterable[str]:
        change = {
            "SUBSCRIBE": subscriber.streams.update,
            "UNSUBSCRIBE": subscriber.streams.difference_update,
        }
        change[request["method"]](request["params"])
        return [json.dumps({"result": None, "id": request["id"]})]

    def rest(
        self, path: str, query: dict[str, str], headers: Mapping[str, str], rows_of: RowsOf
    ) -> Answer:
        if path == "/api/v3/ping":
            return Answer({})
        if path != "/api/v3/klines":
            return Answer({"code": -1, "msg": "unknown path"}, 404)
        try:
            rows = rows_of(query["symbol"].removesuffix("USDT"))
        except KeyError:
            return Answer({"code": -1121, "msg": "Invalid symbol."}, 400)
        limit = min(int(query.get("limit", KLINES_DEFAULT)), KLINES_MAX)
        start = int(query.get("startTime", 0))
        end = int(query.get("endTime", 1 << 60))
        rows = longer(rows, query["interval"])
        rows = [row for row in rows if start <= row[0] <= end]
        rows = rows[:limit] if "startTime" in query else rows[-limit:]
        return Answer([_kline(row, INTERVALS[query["interval"]]) for row in rows])

    def listing(self, path: str, symbols: list[str]) -> Answer | None:
        if path != "/api/v3/exchangeInfo":
            return None
        filters = [{"filterType": "PRICE_FILTER", "tickSize": "0.01000000"}] * 10
        pairs = [
            {
                "symbol": symbol + quote,
                "status": "TRADING",
                "baseAsset": symbol,
                "quoteAsset": quote,
                "filters": filters,
            }
            for symbol in symbols
            for quote in ("USDT", "EUR")
        ]
        halted = {**pairs[0], "symbol": "GONEUSDT", "baseAsset": "GONE", "status": "BREAK"}
        return Answer({"timezone": "UTC", "rateLimits": [], "symbols": [*pairs, halted]})

    def limit(self) -> Answer:
        return Answer({"code": -1003, "msg": "Too many requests."}, 429, {"Retry-After": "30"})

    def trade_frames(self, trade: SampleTrade) -> list[Frame]:
        data = {
            "e": "trade",
            "E": trade.time_ms + 1,
            "s": f"{trade.symbol}USDT",
            "t": trade.trade_id,
            "p": trade.price,
            "q": trade.quantity,
            "T": trade.time_ms,
            "m": trade.buyer_is_maker,
            "M": True,
        }
        return [_combined(f"{trade.symbol}USDT", "trade", trade.time_ms + 1, data)]

    def day_frames(self, day: SampleDay) -> list[Frame]:
        pair, sent_ms = f"{day.symbol}USDT", day.time_ms + 2
        ticker = {
            "e": "24hrMiniTicker",
            "E": sent_ms,
            "s": pair,
            "c": f"{day.close:.8f}",
            "o": f"{day.open:.8f}",
            "h": f"{day.open * 1.1:.8f}",
            "l": f"{day.open * 0.9:.8f}",
            "v": f"{day.volume / day.close:.8f}",
            "q": f"{day.volume:.8f}",
        }
        book = {
            "u": day.time_ms,
            "s": pair,
            "b": f"{day.bid:.8f}",
            "B": "1.0",
            "a": f"{day.ask:.8f}",
            "A": "1.0",
        }
        return [
            _combined(pair, "miniTicker", sent_ms, ticker),
            _combined(pair, "bookTicker", sent_ms, book),
        ]


def _combined(pair: str, kind: str, sent_ms: int, data: dict[str, Any]) -> Frame:
    message = {"stream": f"{pair.lower()}@{kind}", "data": data}
    return sent_ms, json.dumps(message, separators=(",", ":"))


def _kline(row: Row, interval_ms: int) -> list[Any]:
    minute, open_, high, low, close, volume, quote_volume, count = row
    texts = [f"{number:.8f}" for number in (open_, high, low, close, volume)]
    return [
        minute,
        *texts,
        minute + interval_ms - 1,
        f"{quote_volume:.8f}",
        count,
        "0.00000000",
        "0.00000000",
        "0",
    ]


BINANCE = Binance()
