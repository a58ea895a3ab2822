"""Public calls over the market and its analysis: what a page paints first."""

from collections.abc import Callable

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from backend.api.candle_json import CandleJson
from backend.api.errors import ApiError
from backend.market.candles import INTERVALS
from backend.market.market import Market
from backend.market.precision import price_decimals
from backend.protocol import UNKNOWN_SYMBOL, VALIDATION_FAILED
from backend.streaming.broadcaster import quote_payload
from backend.streaming.feed_status import feed_status
from backend.streaming.forecaster import Forecaster
from backend.streaming.published import Published

CANDLES_DEFAULT, CANDLES_MAX = 500, 1500
SIGNALS_DEFAULT, SIGNALS_MAX = 50, 500


def market_blueprint(
    market: Market,
    published: Published,
    forecaster: Forecaster,
    symbols: tuple[str, ...],
    rest: Callable[[], None],
) -> Blueprint:
    """Public, read-only routes over the market and what was said of it. `rest` is called now and
    then while a long answer is made, and lets others have their turn."""
    blueprint = Blueprint("market", __name__)
    encoder = CandleJson()
    known = dict.fromkeys(symbols)

    def known_symbol(symbol: str) -> str:
        if symbol not in known:
            raise ApiError(400, UNKNOWN_SYMBOL, f"This server does not carry {symbol[:32]!r}")
        return symbol

    @blueprint.get("/api/market/symbols")
    def list_symbols() -> ResponseReturnValue:
        listing = []
        for symbol in symbols:
            quote = market.quote(symbol)
            decimals = price_decimals(quote.price) if quote else None
            listing.append(
                {
                    "symbol": symbol,
                    "price_decimals": decimals,
                    "day_span_seconds": market.day_span_s(symbol) if quote else None,
                }
            )
        return jsonify(
            symbols=listing,
            intervals=list(INTERVALS),
            feed=market.feed_state.name,
            feed_status=feed_status(market),
        )

    @blueprint.get("/api/market/quotes")
    def quotes() -> ResponseReturnValue:
        asked = [part for part in request.args.get("symbols", "").split(",") if part]
        wanted = [known_symbol(symbol) for symbol in asked] or symbols
        found = (market.quote(symbol) for symbol in wanted)
        return jsonify(quotes={q.symbol: quote_payload(q) for q in found if q is not None})

    @blueprint.get("/api/market/candles")
    def candles() -> ResponseReturnValue:
        symbol = known_symbol(request.args.get("symbol", ""))
        interval = request.args.get("interval", "1m")
        if interval not in INTERVALS:
            raise ApiError(
                400,
                VALIDATION_FAILED,
                "There is no such interval",
                {"interval": f"one of {', '.join(INTERVALS)}"},
            )
        limit = _limit(CANDLES_DEFAULT, CANDLES_MAX)
        rows = market.candles(symbol, interval, limit)
        encoded = encoder.encode(symbol, interval, rows, rest)
        return Response(encoded, content_type="application/json")

    @blueprint.get("/api/sentiment")
    def sentiment() -> ResponseReturnValue:
        return jsonify(latest=published.sentiment(), history=published.sentiment_history())

    @blueprint.get("/api/signals")
    def signals() -> ResponseReturnValue:
        symbol = request.args.get("symbol") or None
        if symbol is not None:
            known_symbol(symbol)
        return jsonify(
            signals=published.recent_signals(symbol, _limit(SIGNALS_DEFAULT, SIGNALS_MAX))
        )

    @blueprint.get("/api/forecast")
    def forecast() -> ResponseReturnValue:
        return jsonify(forecaster.payload())

    return blueprint


def _limit(default: int, most: int) -> int:
    text = request.args.get("limit", str(default))
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= most):
        raise ApiError(
            400, VALIDATION_FAILED, "limit can't be used", {"limit": f"an integer from 1 to {most}"}
        )
    return int(text)
