"""Kraken's protocol, as the local exchange speaks it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from backend.feeds.kraken import KrakenFeed
from tests.feeds.exchange_dialect import (
    Answer,
    Dialect,
    RowsOf,
    SampleDay,
    SampleTrade,
    Subscriber,
)
from tests.feeds.exchange_klines import Frame, PlayedTrade, Row, milliseconds, timestamp

SUFFIX = "/USD"
REST_NAMES = {"XBT": "BTC", "XDG": "DOGE"}
CANDLES_MAX = 720
SNAPSHOT_TRADES = 50


class QuickKraken(KrakenFeed):
    candle_terms = replace(KrakenFeed.candle_terms, pause_s=0.0)


class Kraken(Dialect):
    """Each pair of a request is answered by itself, then with its newest trades; errors of the
    REST side come with status 200, and candles are the newest 720 whatever is asked for."""

    name = "kraken"
    feed_class = QuickKraken
    quote_volume_rtol = 1e-6  # of the mean price that is paid, which is rounded

    def __init__(self, silence_s: float = 60.0) -> None:
        self.silence_s = silence_s

    def trades_of(self, text: str) -> list[PlayedTrade]:
        message = json.loads(text, parse_float=Decimal)
        if message.get("channel") != "trade":
            return []
        return [
            PlayedTrade(
                item["symbol"].removesuffix(SUFFIX),
                item["trade_id"],
                Decimal(item["price"]),
                Decimal(item["qty"]),
                milliseconds(item["timestamp"]),
            )
            for item in message["data"]
        ]

    def stream_of(self, message: dict[str, Any]) -> str:
        channel = message.get("channel")
        if channel not in ("trade", "ticker"):
            return ""
        return f"{channel}:{message['data'][0]['symbol']}"

    def answers(
        self,
        subscriber: Subscriber,
        request: Any,
        listed: list[str],
        played: Mapping[str, list[PlayedTrade]],
    ) -> Iterable[str]:
        if request["method"] == "ping":
            return [json.dumps({"method": "pong"})]
        params = request["params"]
        answers = []
        for pair in params["symbol"]:
            symbol = pair.removesuffix(SUFFIX)
            if request["method"] == "unsubscribe":
                subscriber.streams.discard(f"{params['channel']}:{pair}")
                answers.append(json.dumps({"method": "unsubscribe", "success": True}))
                continue
            reply = {"method": "subscribe", "success": symbol in listed, "symbol": pair}
            if symbol not in listed:
                reply["error"] = f"Currency pair not supported {pair}"
                answers.append(json.dumps(reply))
                continue
            subscriber.streams.add(f"{params['channel']}:{pair}")
            result = {"channel": params["channel"], "symbol": pair, "snapshot": True}
            answers.append(json.dumps({**reply, "result": result}))
            if params["channel"] == "trade" and played[symbol]:
                newest = played[symbol][-SNAPSHOT_TRADES:]
                data = [_trade(trade) for trade in newest]
                message = {"channel": "trade", "type": "snapshot", "data": data}
                answers.append(json.dumps(message))
        return answers

    def rest(
        self, path: str, query: dict[str, str], headers: Mapping[str, str], rows_of: RowsOf
    ) -> Answer:
        if path != "/0/public/OHLC":
            return _error("EGeneral:Unknown method")
        if query.get("interval") != "1":
            return _error("EGeneral:Invalid arguments")
        name = query["pair"].removesuffix("USD")
        try:
            # It knows BTC by the name of XBT only.
            rows = rows_of(REST_NAMES.get(name, "" if name in REST_NAMES.values() else name))
        except KeyError:
            return _error("EQuery:Unknown asset pair")
        rows = rows[-CANDLES_MAX:]
        last = rows[-2][0] // 1000 if len(rows) > 1 else 0
        result = {f"X{name}ZUSD": [_candle(row) for row in rows], "last": last}
        return Answer({"error": [], "result": result})

    def listing(self, path: str, symbols: list[str]) -> Answer | None:
        if path != "/0/public/AssetPairs":
            return None
        rest = {stream: name for name, stream in REST_NAMES.items()}
        pairs = {
            f"X{symbol}Z{quote}": {
                "wsname": f"{rest.get(symbol, symbol)}/{quote}",
                "status": "online",
            }
            for symbol in symbols
            for quote in ("USD", "EUR")
        }
        pairs["GONEUSD"] = {"wsname": "GONE/USD", "status": "cancel_only"}
        return Answer({"error": [], "result": pairs})

    def limit(self) -> Answer:
        return _error("EGeneral:Too many requests")

    def trade_frames(self, trade: SampleTrade) -> list[Frame]:
        item = {**_trade(trade.played()), "side": "sell" if trade.buyer_is_maker else "buy"}
        message = {"channel": "trade", "type": "update", "data": [item]}
        return [(trade.time_ms, json.dumps(message))]

    def day_frames(self, day: SampleDay) -> list[Frame]:
        item = {
            "symbol": day.symbol + SUFFIX,
            "bid": round(day.bid, 8),
            "bid_qty": 1.0,
            "ask": round(day.ask, 8),
            "ask_qty": 1.0,
            "last": round(day.close, 8),
            "volume": round(day.volume / day.close, 8),
            "vwap": round(day.close, 8),
            "low": round(day.open * 0.9, 8),
            "high": round(day.open * 1.1, 8),
            "change": round(day.close - day.open, 8),
            "change_pct": round((day.close / day.open - 1) * 100, 2),
            "timestamp": timestamp(day.time_ms),
        }
        ticker = {"channel": "ticker", "type": "update", "data": [item]}
        return [(day.time_ms, json.dumps(ticker)), (day.time_ms, '{"channel":"heartbeat"}')]


def _error(text: str) -> Answer:
    return Answer({"error": [text]})


def _trade(trade: PlayedTrade) -> dict[str, Any]:
    return {
        "symbol": trade.symbol + SUFFIX,
        "side": "buy",
        "price": float(trade.price),
        "qty": float(trade.quantity),
        "ord_type": "market",
        "trade_id": trade.trade_id,
        "timestamp": timestamp(trade.time_ms),
    }


def _candle(row: Row) -> list[Any]:
    minute, open_, high, low, close, volume, quote_volume, count = row
    paid = quote_volume / volume if volume else Decimal(0)
    texts = [f"{number:.8f}" for number in (open_, high, low, close, paid, volume)]
    return [minute // 1000, *texts, count]


KRAKEN = Kraken()
