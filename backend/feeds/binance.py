"""The `binance` feed: spot trades and tickers of USDT pairs, without an account.

Source of the limits: "WebSocket Streams for Binance" and "Limits" of the exchange's spot API
documentation.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import urlsplit, urlunsplit

import orjson

from backend.clock import HOUR_MS
from backend.config_values import BINANCE_FEED
from backend.feeds.binance_frames import (
    ErrorReply,
    ServerShutdown,
    pair_of,
    parse_frame,
    parse_klines,
    parse_pair,
)
from backend.feeds.candle_pages import CandleTerms
from backend.feeds.frames import FeedEvent
from backend.feeds.listing import listed_in
from backend.feeds.rest import RestClient
from backend.feeds.websocket_feed import WebSocketFeed
from backend.market.models import CandleArray

# What one connection may carry.
STREAMS_MAX = 1_024
# Together under 5 KB of URL; proxies on the way refuse one over 8 KB.
STREAMS_IN_URL = 200
STREAMS_IN_REQUEST = 200
# The weight of requests a minute from one address, and the share of it that this feed leaves to
# others behind the same address.
WEIGHT_LIMIT = 6_000
WEIGHT_USED_MAX = 0.8 * WEIGHT_LIMIT
WEIGHT_HEADER = "x-mbx-used-weight-1m"
WEIGHT_PAUSE_S = 15.0


class BinanceFeed(WebSocketFeed):
    """Prices and candles from trades, 24 h figures from mini tickers, bid and ask from book
    tickers, the rest from klines.

    `ws_url` is the host of the streams, such as `wss://data-stream.binance.vision`; a path that
    ends in `/ws` gets raw streams, any other combined ones.
    """

    name = BINANCE_FEED
    # The exchange ends each connection after 24 h.
    renew_after_s = 23.5 * HOUR_MS / 1000
    candle_terms = CandleTerms(page=1_000)
    # Each request weighs 2: at this pace they take a tenth of the limit.
    past_intervals = ("1d", "1h", "1m")
    past_pause_s = 0.2
    # At most 5 messages a second are allowed, pongs included.
    request_interval_s = 0.25

    def stream_url(self) -> str:
        parts = urlsplit(self.ws_url)
        path, streams = parts.path.rstrip("/"), "/".join(_streams(self.symbols)[:STREAMS_IN_URL])
        if path.endswith("/ws"):
            return urlunsplit((parts.scheme, parts.netloc, f"{path}/{streams}", "", ""))
        path = path if path.endswith("/stream") else f"{path}/stream"
        return urlunsplit((parts.scheme, parts.netloc, path, f"streams={streams}", ""))

    def requests(self) -> Sequence[str]:
        return _requests("SUBSCRIBE", _streams(self.symbols)[STREAMS_IN_URL:])

    def resubscribe(self, before: Sequence[str], after: Sequence[str]) -> Sequence[str]:
        had, wanted = _streams(before), _streams(after)
        # In this order there are never more than a connection may carry.
        return [
            *_requests("UNSUBSCRIBE", [stream for stream in had if stream not in wanted]),
            *_requests("SUBSCRIBE", [stream for stream in wanted if stream not in had]),
        ]

    def events(self, message: bytes) -> Iterable[FeedEvent]:
        for event in parse_frame(message):
            if isinstance(event, ServerShutdown):
                self.counters["shutdown_notices"] += 1
                self.renew("the exchange announced a shutdown")
            elif isinstance(event, ErrorReply):
                self.note("request_refused", f"{event.code} {event.message}")
            else:
                yield event

    def fetch_candles(
        self, client: RestClient, symbol: str, limit: int, end_ms: int | None
    ) -> CandleArray:
        return self._klines(client, symbol, "1m", limit, end_ms)

    def fetch_past(
        self, client: RestClient, symbol: str, interval: str, limit: int, before_ms: int
    ) -> CandleArray:
        return self._klines(client, symbol, interval, limit, before_ms - 1)

    def _klines(
        self, client: RestClient, symbol: str, interval: str, limit: int, end_ms: int | None
    ) -> CandleArray:
        # The exchange's names of intervals are ours.
        query: dict[str, str | int] = {
            "symbol": pair_of(symbol),
            "interval": interval,
            "limit": limit,
        }
        if end_ms is not None:
            query["endTime"] = end_ms
        answer, headers = client.get("/api/v3/klines", query)
        used = headers.get(WEIGHT_HEADER, "")
        if used.isdecimal() and int(used) > WEIGHT_USED_MAX:
            self.counters["rest_weight_pauses"] += 1
            self._backfill.pause(WEIGHT_PAUSE_S)
        return parse_klines(answer)

    @classmethod
    def fetch_listing(cls, client: RestClient, pause: Callable[[], object]) -> Mapping[str, str]:
        query = {"permissions": "SPOT", "symbolStatus": "TRADING", "showPermissionSets": "false"}
        pairs = client.items("/api/v3/exchangeInfo", query, "symbols.item", pause)
        return listed_in(parse_pair(pair) for pair in pairs)


def _streams(symbols: Sequence[str]) -> list[str]:
    """What to subscribe to for these: 500 make 1,000 streams. Those that come first have a bid and
    an ask, too, as far as there is room: all of up to 341."""
    pairs = [pair_of(symbol).lower() for symbol in symbols]
    streams = [f"{pair}@{kind}" for pair in pairs for kind in ("miniTicker", "trade")]
    return streams + [f"{pair}@bookTicker" for pair in pairs[: STREAMS_MAX - len(streams)]]


def _requests(method: str, streams: Sequence[str]) -> list[str]:
    starts = range(0, len(streams), STREAMS_IN_REQUEST)
    return [
        orjson.dumps(
            {
                "method": method,
                "params": streams[start : start + STREAMS_IN_REQUEST],
                "id": number,
            }
        ).decode()
        for number, start in enumerate(starts, start=1)
    ]
