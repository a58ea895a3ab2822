"""The `kraken` feed: trades and tickers of USD pairs, without an account.

Source of the limits: "Spot WebSocket Introduction", "Spot REST Rate Limits" and "Get OHLC Data" of
the exchange's documentation.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson

from backend.clock import HOUR_MS, MINUTE_MS
from backend.config_values import KRAKEN_FEED
from backend.feeds.candle_pages import CandleTerms
from backend.feeds.frames import ErrorReply, FeedEvent
from backend.feeds.kraken_frames import (
    SystemStatus,
    pair_of,
    parse_candles,
    parse_frame,
    parse_pair,
    rest_pair_of,
)
from backend.feeds.listing import listed_in
from backend.feeds.rest import (
    RETRY_AFTER_DEFAULT_S,
    RestClient,
    RestError,
    RestLimited,
    RestRejected,
)
from backend.feeds.websocket_feed import WebSocketFeed
from backend.market.models import OPEN_TIME, CandleArray

PAIRS_IN_REQUEST = 100
ONLINE = "online"
# How the errors begin by which the exchange says that there were too many requests, or that it
# does not know a pair. They come with status 200.
LIMITED = ("EGeneral:Too many requests", "EAPI:Rate limit exceeded", "EService:Throttled")
UNKNOWN = ("EQuery:Unknown asset pair", "EQuery:Invalid asset pair")


class KrakenFeed(WebSocketFeed):
    """Prices and candles from trades, bid, ask and 24 h figures from tickers.

    A subscription begins with the last 50 trades, which fills a short gap at once. Candles can be
    had of the last 12 hours only: so far back its history begins, and so far a gap is repaired.
    """

    name = KRAKEN_FEED
    # No age at which the exchange ends a connection is published; half a day is well below those
    # of others.
    renew_after_s = 12 * HOUR_MS / 1000
    # One request a second is what its public side allows an address for certain.
    candle_terms = CandleTerms(page=720, depth=720, pause_s=1.0)
    # It ends a connection on which it has not heard anything for 60 s.
    keepalive = '{"method":"ping"}'

    def requests(self) -> Sequence[str]:
        return _requests("subscribe", self.listed())

    def resubscribe(self, before: Sequence[str], after: Sequence[str]) -> Sequence[str]:
        return [
            *_requests("unsubscribe", [symbol for symbol in before if symbol not in after]),
            *_requests("subscribe", [symbol for symbol in after if symbol not in before]),
        ]

    def events(self, message: bytes) -> Iterable[FeedEvent]:
        for event in parse_frame(message):
            match event:
                case SystemStatus(system):
                    self.remark("" if system == ONLINE else f"the exchange says: {system}")
                case ErrorReply(symbol, error):
                    if symbol is None:
                        self.note("request_refused", error)
                    else:
                        self.refused(symbol, error)
                case _:
                    yield event

    def fetch_candles(
        self, client: RestClient, symbol: str, limit: int, end_ms: int | None
    ) -> CandleArray:
        # Whatever is asked for, it gives the newest 720.
        query: dict[str, str | int] = {"pair": rest_pair_of(symbol), "interval": 1}
        answer, _ = client.get("/0/public/OHLC", query)
        candles = parse_candles(_result(answer))
        times = candles[:, OPEN_TIME]
        newest = times.max(initial=0) if end_ms is None else end_ms
        return candles[(times > newest - limit * MINUTE_MS) & (times <= newest)]

    @classmethod
    def fetch_listing(cls, client: RestClient, pause: Callable[[], object]) -> Mapping[str, str]:
        # An error comes without any pair, and so lists nothing.
        pairs = client.items("/0/public/AssetPairs", {}, "result", pause)
        return listed_in(parse_pair(pair) for pair in pairs)


def _requests(method: str, symbols: Sequence[str]) -> list[str]:
    """A method for both channels of these symbols. A subscription begins with what there was."""
    pairs = [pair_of(symbol) for symbol in symbols]
    begin = {"snapshot": True} if method == "subscribe" else {}
    channels: list[dict[str, Any]] = [
        {"channel": "trade", **begin},
        # With each change of the best bid or ask, not with trades alone.
        {"channel": "ticker", "event_trigger": "bbo", **begin},
    ]
    return [
        orjson.dumps(
            {
                "method": method,
                "params": {**channel, "symbol": pairs[start : start + PAIRS_IN_REQUEST]},
            }
        ).decode()
        for start in range(0, len(pairs), PAIRS_IN_REQUEST)
        for channel in channels
    ]


def _result(answer: Any) -> Any:
    """The result in an answer of the REST side. Raises RestError for the error in its place."""
    if not isinstance(answer, dict) or not isinstance(answer.get("error"), list):
        raise ValueError(f"not an answer of the exchange: {str(answer)[:80]!r}")
    errors = [str(error)[:200] for error in answer["error"] if str(error).startswith("E")]
    if not errors:
        return answer.get("result")
    if errors[0].startswith(LIMITED):
        raise RestLimited(errors[0], RETRY_AFTER_DEFAULT_S)
    if errors[0].startswith(UNKNOWN):
        raise RestRejected(errors[0])
    raise RestError(errors[0])
