"""The guide in docs/feeds.md, kept to: a fourth exchange is one class, and has all that the others
have. It speaks OKX's protocol, which is unlike theirs: a text `ping`, lists of trades as text."""

import json
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from backend.feeds.candle_pages import CandleTerms
from backend.feeds.frames import (
    FeedEvent,
    Pulse,
    candle_array,
    decimal,
    objects,
    positive,
    text,
)
from backend.feeds.rest import RestClient
from backend.feeds.websocket_feed import WebSocketFeed
from backend.market.models import CandleArray, DayStatistics, FeedState, Trade
from tests.feeds.exchange_dialect import (
    Answer,
    Dialect,
    RowsOf,
    SampleDay,
    SampleTrade,
    Subscriber,
)
from tests.feeds.exchange_klines import Frame, PlayedTrade
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.feed_harness import RunningFeed, keys_of
from tests.feeds.sample_frames import sample_frames
from tests.servers import ROOT, wait_until

SUFFIX = "-USDT"


class OkxFeed(WebSocketFeed):
    name = "okx"
    renew_after_s = 12 * 3600.0
    candle_terms = CandleTerms(page=300)
    keepalive, keepalive_s = "ping", 25.0

    def requests(self) -> Sequence[str]:
        arguments = [
            {"channel": channel, "instId": symbol + SUFFIX}
            for symbol in self.listed()
            for channel in ("trades", "tickers")
        ]
        return [json.dumps({"op": "subscribe", "args": arguments})]

    def events(self, message: bytes) -> Iterable[FeedEvent]:
        if message == b"pong":
            yield Pulse()
            return
        frame = json.loads(message)
        if frame.get("event") == "error":
            self.note("request_refused", text(frame, "msg"))
            return
        for item in objects(frame.get("data", [])):
            symbol = text(item, "instId").removesuffix(SUFFIX)
            time_ms = int(decimal(item, "ts"))
            if "tradeId" in item:
                price, quantity = positive(item, "px"), positive(item, "sz")
                yield Trade(symbol, time_ms, price, quantity, int(decimal(item, "tradeId")))
            else:
                last, opening = positive(item, "last"), positive(item, "open24h")
                volume = positive(item, "volCcy24h")
                yield DayStatistics(symbol, time_ms, last, opening, volume)

    def fetch_candles(
        self, client: RestClient, symbol: str, limit: int, end_ms: int | None
    ) -> CandleArray:
        query: dict[str, str | int] = {"instId": symbol + SUFFIX, "bar": "1m", "limit": limit}
        if end_ms is not None:
            query["after"] = end_ms + 1
        answer, _ = client.get("/api/v5/market/history-candles", query)
        return candle_array(answer["data"][::-1], lambda row: map(float, [*row[:6], row[7]]))


class Okx(Dialect):
    name = "okx"
    feed_class = OkxFeed

    def trades_of(self, text: str) -> list[PlayedTrade]:
        message = json.loads(text)
        if message["arg"]["channel"] != "trades":
            return []
        return [
            PlayedTrade(
                item["instId"].removesuffix(SUFFIX),
                int(item["tradeId"]),
                Decimal(item["px"]),
                Decimal(item["sz"]),
                int(item["ts"]),
            )
            for item in message["data"]
        ]

    def stream_of(self, message: dict[str, Any]) -> str:
        return ":".join(message["arg"].values()) if "arg" in message else ""

    def answers(
        self,
        subscriber: Subscriber,
        request: Any,
        listed: list[str],
        played: Mapping[str, list[PlayedTrade]],
    ) -> Iterable[str]:
        if request == "ping":
            return ["pong"]
        subscriber.streams.update(":".join(argument.values()) for argument in request["args"])
        return [json.dumps({"event": "subscribe", "arg": arg}) for arg in request["args"]]

    def rest(
        self, path: str, query: dict[str, str], headers: Mapping[str, str], rows_of: RowsOf
    ) -> Answer:
        rows = rows_of(query["instId"].removesuffix(SUFFIX))
        until = int(query.get("after", 1 << 60))
        rows = [row for row in rows if row[0] < until][-int(query["limit"]) :]
        texts = [[row[0], *(f"{number:.8f}" for number in row[1:7])] for row in rows]
        data = [[*row[:6], "0", row[6]] for row in texts]
        return Answer({"code": "0", "data": data[::-1]})

    def listing(self, path: str, symbols: list[str]) -> Answer | None:
        return None

    def limit(self) -> Answer:
        return Answer({"code": "50011", "msg": "Too Many Requests"}, 429)

    def trade_frames(self, trade: SampleTrade) -> list[Frame]:
        item = {
            "instId": trade.symbol + SUFFIX,
            "tradeId": str(trade.trade_id),
            "px": trade.price,
            "sz": trade.quantity,
            "ts": str(trade.time_ms),
        }
        arg = {"channel": "trades", "instId": trade.symbol + SUFFIX}
        return [(trade.time_ms, json.dumps({"arg": arg, "data": [item]}))]

    def day_frames(self, day: SampleDay) -> list[Frame]:
        item = {
            "instId": day.symbol + SUFFIX,
            "last": f"{day.close:.8f}",
            "open24h": f"{day.open:.8f}",
            "volCcy24h": f"{day.volume:.8f}",
            "ts": str(day.time_ms),
        }
        arg = {"channel": "tickers", "instId": day.symbol + SUFFIX}
        return [(day.time_ms, json.dumps({"arg": arg, "data": [item]}))]


@pytest.mark.served
def test_a_fourth_exchange_heals_from_cuts_and_lies_as_the_others_do() -> None:
    dialect = Okx()
    frames = sample_frames(dialect=dialect)
    part = len(frames) // 4
    with ExchangeServer(frames, dialect=dialect) as exchange, RunningFeed(exchange) as running:
        for number in range(1, 4):
            exchange.rest_faults = ["lies", "limit"][: number - 1]
            running.connected(number)
            wait_until(lambda: len(exchange.clients[0].streams) == 6, "the subscriptions")
            running.play(part)
            exchange.clients[0].offer('{"arg":{"channel":"trades"},"data":[{"px":"-1"}]}')
            wait_until(lambda: running.state is FeedState.LIVE, "the feed to be live")
            exchange.cut()
            exchange.play(part // 8)
        running.connected(4)
        wait_until(lambda: len(exchange.clients[0].streams) == 6, "the subscriptions")
        running.play(len(frames))

        def repaired() -> bool:
            running.clock.advance(5)  # over the pause that a limit asks for
            exchange.repeat(20)
            return not any(
                running.wrong_candles(symbol, exchange.now_ms - 5_000)
                for symbol in running.market.symbols
            )

        wait_until(repaired, "all candles to equal the exchange's")
        assert set(running.market.trades) <= set(keys_of(frames, dialect))


def test_the_guide_names_what_the_base_class_has() -> None:
    guide = (Path(ROOT) / "docs" / "feeds.md").read_text().partition("## Adding an exchange")[2]
    for name in (
        "listed",
        "refused",
        "renew",
        "remark",
        "note",
        "stream_url",
        "resubscribe",
        "fetch_listing",
    ):
        assert f"{name}" in guide and hasattr(WebSocketFeed, name)
