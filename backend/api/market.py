"""Public calls over the market and its analysis: what a page paints first."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, jsonify, request, stream_with_context
from flask.typing import ResponseReturnValue

from backend.api.candle_csv import csv_lines
from backend.api.candle_json import CandleJson
from backend.api.daily import DailyIndex
from backend.api.errors import ApiError
from backend.api.ratings import Ratings
from backend.history.reader import CandleReader
from backend.market.candles import INTERVALS
from backend.market.roster import Roster
from backend.market.state import MarketState
from backend.market.validation import TIME_MAX_MS
from backend.protocol import UNKNOWN_SYMBOL, VALIDATION_FAILED
from backend.streaming.broadcaster import quote_payload
from backend.streaming.forecaster import Forecaster
from backend.streaming.published import Published

CANDLES_DEFAULT, CANDLES_MAX = 500, 1500
# Of CSV, ten weeks of minutes: 8 MB, and a second of the hub in pieces.
CSV_CANDLES_MAX = 100_000
JSON_FORMAT, CSV_FORMAT = "json", "csv"
# Series of older candles that are kept encoded: a few charts that somebody scrolls.
OLDER_SERIES_MAX = 8
SIGNALS_DEFAULT, SIGNALS_MAX = 50, 500


def market_blueprint(
    market: MarketState,
    history: CandleReader,
    published: Published,
    forecaster: Forecaster,
    ratings: Ratings,
    daily: DailyIndex,
    roster: Roster,
    note: Callable[[str], None],
    rest: Callable[[], None],
) -> Blueprint:
    """Public, read-only routes over the market and what was said of it. `note` is told of which
    symbol somebody asks; `rest` is called now and then while a long answer is made, and lets others
    have their turn."""
    blueprint = Blueprint("market", __name__)
    encoder = CandleJson()
    older = CandleJson(OLDER_SERIES_MAX)

    def known_symbol(symbol: str) -> str:
        if symbol not in roster:
            raise ApiError(400, UNKNOWN_SYMBOL, f"This server does not carry {symbol[:32]!r}")
        note(symbol)
        return symbol

    @blueprint.get("/api/market/quotes")
    def quotes() -> ResponseReturnValue:
        asked = [part for part in request.args.get("symbols", "").split(",") if part]
        wanted = [known_symbol(symbol) for symbol in asked] or roster
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
        before_ms = _before()
        if _format() == CSV_FORMAT:
            limit = _limit(CANDLES_DEFAULT, CSV_CANDLES_MAX)
            pages = history.pages(symbol, interval, limit, before_ms)
            return Response(
                stream_with_context(csv_lines(pages, rest)),
                content_type="text/csv; charset=utf-8",
                headers={"Content-Disposition": f'attachment; filename="{symbol}-{interval}.csv"'},
            )
        limit = _limit(CANDLES_DEFAULT, CANDLES_MAX)
        rows = history.candles(symbol, interval, limit, before_ms)
        encoded = (encoder if before_ms is None else older).encode(symbol, interval, rows, rest)
        return Response(encoded, content_type="application/json")

    @blueprint.get("/api/sentiment")
    def sentiment() -> ResponseReturnValue:
        return jsonify(
            latest=published.sentiment(),
            history=published.sentiment_history(),
            daily=daily.payload(),
        )

    @blueprint.get("/api/signals")
    def signals() -> ResponseReturnValue:
        symbol = request.args.get("symbol") or None
        if symbol is not None:
            known_symbol(symbol)
        return jsonify(
            signals=published.recent_signals(symbol, _limit(SIGNALS_DEFAULT, SIGNALS_MAX))
        )

    @blueprint.get("/api/ratings")
    def rate() -> ResponseReturnValue:
        symbol = known_symbol(request.args.get("symbol", ""))
        return jsonify(symbol=symbol, ratings=ratings.of(symbol, rest))

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


def _format() -> str:
    name = request.args.get("format", JSON_FORMAT)
    if name not in (JSON_FORMAT, CSV_FORMAT):
        text = f"{JSON_FORMAT} or {CSV_FORMAT}"
        raise ApiError(400, VALIDATION_FAILED, "There is no such format", {"format": text})
    return name


def _before() -> int | None:
    """The instant of `before` in ms: a number of them, or ISO 8601 with a time zone."""
    text = request.args.get("before")
    if text is None:
        return None
    try:
        if text.isascii() and text.isdigit():
            before_ms = int(text[:16])
        else:
            instant = datetime.fromisoformat(text)
            if instant.tzinfo is None:
                raise ValueError(text)
            # Any time may be asked for, also one that no candle can be of.
            before_ms = min(max(round(instant.timestamp() * 1000), 1), TIME_MAX_MS - 1)
        if not 0 < before_ms < TIME_MAX_MS:
            raise ValueError(text)
    except (ValueError, OverflowError):
        allowed = "ISO 8601 with a time zone, or milliseconds since 1970"
        raise ApiError(
            400, VALIDATION_FAILED, "before can't be used", {"before": allowed}
        ) from None
    return before_ms
