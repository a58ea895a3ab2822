"""The `coinbase` feed: matches, tickers and heartbeats of USD products, without an account.

Source of the limits: "Rate Limits" and "WebSocket Best Practices" of the Coinbase Exchange
documentation.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import orjson

from backend.clock import HOUR_MS, MINUTE_MS, iso
from backend.config_values import COINBASE_FEED
from backend.feeds.candle_pages import CandleTerms
from backend.feeds.coinbase_frames import (
    parse_candles,
    parse_currency,
    parse_frame,
    parse_product,
    product_of,
)
from backend.feeds.frames import ErrorReply, FeedEvent
from backend.feeds.listing import listed_in
from backend.feeds.rest import BAD_REQUEST, NOT_FOUND, RestClient
from backend.feeds.websocket_feed import WebSocketFeed
from backend.market.models import OPEN_TIME, CandleArray

CHANNELS = ("matches", "ticker", "heartbeat")


class CoinbaseFeed(WebSocketFeed):
    """Prices and candles from matches, bid, ask and 24 h figures from tickers. Heartbeats tell the
    exchange's time, and which match was the newest, so that no lost one goes unnoticed."""

    name = COINBASE_FEED
    # No age at which the exchange ends a connection is published; half a day is well below those
    # of others.
    renew_after_s = 12 * HOUR_MS / 1000
    candle_terms = CandleTerms(
        page=300,
        # Two thirds of the 10 requests a second that one address has.
        pause_s=0.15,
        every_minute=False,
        refusals=frozenset({BAD_REQUEST, NOT_FOUND}),
    )
    # At most 100 messages a second are allowed.
    request_interval_s = 0.0125

    def requests(self) -> Sequence[str]:
        return [_request("subscribe", symbol) for symbol in self.listed()]

    def resubscribe(self, before: Sequence[str], after: Sequence[str]) -> Sequence[str]:
        return [
            *(_request("unsubscribe", symbol) for symbol in before if symbol not in after),
            *(_request("subscribe", symbol) for symbol in after if symbol not in before),
        ]

    def events(self, message: bytes) -> Iterable[FeedEvent]:
        for event in parse_frame(message):
            if not isinstance(event, ErrorReply):
                yield event
            elif event.symbol is not None:
                self.refused(event.symbol, event.message)
            else:
                self.note("request_refused", event.message)

    def fetch_candles(
        self, client: RestClient, symbol: str, limit: int, end_ms: int | None
    ) -> CandleArray:
        query: dict[str, str | int] = {"granularity": MINUTE_MS // 1000}
        if end_ms is not None:
            query |= {"start": iso(end_ms - (limit - 1) * MINUTE_MS), "end": iso(end_ms)}
        answer, _ = client.get(f"/products/{product_of(symbol)}/candles", query)
        candles = parse_candles(answer)
        if not len(candles):
            return candles
        # Without a range it gives as many as it likes, with one perhaps some of before.
        newest = int(candles[-1, OPEN_TIME]) if end_ms is None else end_ms
        times = candles[:, OPEN_TIME]
        return candles[(times > newest - limit * MINUTE_MS) & (times <= newest)]

    @classmethod
    def fetch_listing(cls, client: RestClient, pause: Callable[[], object]) -> Mapping[str, str]:
        currencies = client.items("/currencies", {}, "item", pause)
        names = dict(map(parse_currency, currencies))
        products = client.items("/products", {}, "item", pause)
        return listed_in(parse_product(product, names) for product in products)


def _request(kind: str, symbol: str) -> str:
    """For each product its own: a request is refused as a whole for one that isn't listed."""
    request = {"type": kind, "product_ids": [product_of(symbol)], "channels": CHANNELS}
    return orjson.dumps(request).decode()
