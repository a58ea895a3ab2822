"""`/api/market/symbols`: what is served, what may be, and how one becomes the other."""

from typing import Any

from flask import Blueprint, Response, jsonify, request
from flask_limiter import Limiter

from backend.api.errors import ApiError, json_object, text_fields
from backend.auth.guard import access_required, claims
from backend.auth.sessions import LoginSessions
from backend.config_values import SYMBOL_PATTERN
from backend.feeds.asset_names import name_of
from backend.feeds.listing import Catalogue, ListingUnavailable
from backend.market.candles import INTERVALS
from backend.market.precision import price_decimals
from backend.market.roster import Roster
from backend.market.state import MarketState
from backend.protocol import (
    NOT_LISTED,
    TOO_MANY_SYMBOLS,
    UNAVAILABLE,
    VALIDATION_FAILED,
)
from backend.storage.symbols import PER_USER, TooManySymbols
from backend.streaming.added_symbols import AddedSymbols, NotListed
from backend.streaming.feed_status import feed_status

# Nobody adds more than a few at a time, and each that is listed is a write.
ADDITIONS_PER_ADDRESS = "120/minute"
# No symbol and no name is longer than that by much.
SEARCH_MAX_CHARS = 40
# As many as a list under a field shows.
FOUND_MAX = 20


def symbols_blueprint(
    market: MarketState,
    roster: Roster,
    added: AddedSymbols,
    sessions: LoginSessions,
    limiter: Limiter,
    public: str,
    scope: str,
) -> Blueprint:
    """The routes of `/api/market/symbols`; `public` is the limit of reading, shared in `scope`."""
    blueprint = Blueprint("symbols", __name__)

    def described(symbol: str, name: str) -> dict[str, Any]:
        quote = market.quote(symbol)
        return {
            "symbol": symbol,
            "name": name,
            "price_decimals": price_decimals(quote.price) if quote else None,
            "day_span_seconds": market.day_span_s(symbol) if quote else None,
            "source": quote.source if quote else market.feed_state.name,
            "followed": symbol in roster,
        }

    def catalogue() -> Catalogue:
        try:
            return added.listed()
        except ListingUnavailable as error:
            raise ApiError(
                503, UNAVAILABLE, "The exchange does not say now what it lists"
            ) from error

    @blueprint.get("/api/market/symbols")
    @limiter.shared_limit(public, scope=scope)
    def list_symbols() -> Response:
        search = request.args.get("search", "").strip()
        if len(search) > SEARCH_MAX_CHARS:
            problem = f"has at most {SEARCH_MAX_CHARS} characters"
            raise ApiError(400, VALIDATION_FAILED, "Nothing is called so", {"search": problem})
        if search:
            names = catalogue().names
            found = [(symbol, names[symbol]) for symbol in catalogue().search(search, FOUND_MAX)]
        else:
            found = [(symbol, name_of(symbol)) for symbol in roster]
        return jsonify(
            symbols=[described(symbol, name) for symbol, name in found],
            intervals=list(INTERVALS),
            feed=market.feed_state.name,
            feed_status=feed_status(market),
        )

    @blueprint.post("/api/market/symbols")
    @limiter.limit(ADDITIONS_PER_ADDRESS)
    @access_required
    def add() -> tuple[Response, int]:
        symbol = text_fields(json_object(), ("symbol",))["symbol"]
        if not SYMBOL_PATTERN.fullmatch(symbol):
            problem = "an upper-case ticker such as BTC"
            raise ApiError(400, VALIDATION_FAILED, "Nothing is called so", {"symbol": problem})
        user = sessions.user(claims())
        name = name_of(symbol)
        if symbol not in roster:
            name = catalogue().names.get(symbol, name)
        try:
            is_new = added.add(symbol, user.id)
        except NotListed as error:
            text = f"{market.feed_state.name} does not list {symbol}"
            raise ApiError(404, NOT_LISTED, text) from error
        except TooManySymbols as error:
            whose = "You have" if error.limit == PER_USER else "All users together have"
            text = f"{whose} added as many symbols as may be; what nobody watches goes after a day"
            raise ApiError(429, TOO_MANY_SYMBOLS, text) from error
        return jsonify(described(symbol, name)), 201 if is_new else 200

    return blueprint
