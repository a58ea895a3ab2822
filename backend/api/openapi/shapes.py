"""What the JSON of the REST calls looks like, as JSON Schema; lists of values are the code's own.

Every object is closed: a field that is sent and not described here fails the tests.
"""

from enum import StrEnum
from typing import Any

from backend import protocol
from backend.analysis import daily_index, ranges
from backend.analysis.rating import MOVING_AVERAGES, OSCILLATORS
from backend.analysis.track_record import HORIZONS
from backend.api.daily import READINGS
from backend.api.readiness import NotReady
from backend.auth.accounts import PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, USERNAME_PATTERN
from backend.auth.keys import TOKEN_MAX_CHARS
from backend.config_values import SYMBOL_PATTERN
from backend.market.candles import INTERVALS
from backend.market.models import FeedState, SignalLevel, SignalReason
from backend.protocol import BOOK_FIELDS, QUOTE_FIELDS
from backend.storage.faults import Fault
from backend.storage.schema import ADDRESS_MAX_CHARS, USER_AGENT_MAX_CHARS
from backend.streaming.clients import KINDS, TRANSPORTS
from backend.streaming.resume import OUTCOMES

Schema = dict[str, Any]

ERROR_CODES = (
    protocol.BAD_JSON,
    protocol.BAD_REQUEST,
    protocol.INTERNAL_ERROR,
    protocol.INVALID_CREDENTIALS,
    protocol.METHOD_NOT_ALLOWED,
    protocol.FORBIDDEN,
    protocol.NOT_FOUND,
    protocol.NOT_LISTED,
    protocol.PAYLOAD_TOO_LARGE,
    protocol.RATE_LIMITED,
    protocol.TOKEN_EXPIRED.code,
    protocol.TOKEN_INVALID.code,
    protocol.TOKEN_MISSING.code,
    protocol.TOKEN_REVOKED.code,
    protocol.TOO_MANY_SYMBOLS,
    protocol.UNAVAILABLE,
    protocol.UNKNOWN_SYMBOL,
    protocol.UNSUPPORTED_MEDIA_TYPE,
    protocol.USERNAME_TAKEN,
    protocol.VALIDATION_FAILED,
)


def ref(name: str) -> Schema:
    """A shape of `schemas` by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def array(items: Schema, **more: Any) -> Schema:
    return {"type": "array", "items": items, **more}


def closed(properties: dict[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    """An object with these fields and no others; all but the `optional` ones are always there."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def by_name(values: Schema, *names: str) -> Schema:
    """An object from names, any or these, to values of one shape."""
    named = {"propertyNames": {"enum": list(names)}} if names else {}
    return {"type": "object", "additionalProperties": values, **named}


def one_of(values: type[StrEnum] | tuple[str, ...]) -> Schema:
    return {"type": "string", "enum": [str(value) for value in values]}


def or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def integer(low: int | None = None, high: int | None = None) -> Schema:
    return _bounded("integer", low, high)


def number(low: float | None = None, high: float | None = None) -> Schema:
    return _bounded("number", low, high)


def _bounded(kind: str, low: float | None, high: float | None) -> Schema:
    bounds = {"minimum": low, "maximum": high}
    return {"type": kind, **{key: bound for key, bound in bounds.items() if bound is not None}}


TEXT: Schema = {"type": "string"}
FLAG: Schema = {"type": "boolean"}
INSTANT: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
}
ID: Schema = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
TOKEN: Schema = {"type": "string", "maxLength": TOKEN_MAX_CHARS}
USERNAME: Schema = {"type": "string", "pattern": f"^{USERNAME_PATTERN.pattern}$"}
PASSWORD: Schema = {
    "type": "string",
    "minLength": PASSWORD_MIN_CHARS,
    "maxLength": PASSWORD_MAX_CHARS,
    "pattern": r"^[^\u0000]*$",
}
TICKER: Schema = {"type": "string", "pattern": f"^{SYMBOL_PATTERN.pattern}$"}
LEVELS = tuple(f"{level * 100:.0f}" for level in ranges.LEVELS)

_DAY: dict[str, Schema] = {"value": integer(0, 100), "timestamp": INSTANT}
_QUOTE: dict[str, Schema] = {
    "symbol": ref("Symbol"),
    "price": number(0),
    "change_24h": number(),
    "volume_24h": number(0),
    "timestamp": INSTANT,
    "seq": integer(0),
    "stale": FLAG,
    "source": TEXT,
    "bid": number(0),
    "ask": number(0),
}


_FEED_STATUS = {
    "state": one_of(FeedState),
    "since": INSTANT,
    "detail": TEXT,
    "stale": FLAG,
    "last_data": or_null(INSTANT),
    "unlisted": array(TEXT),
    "replay": or_null(
        closed(
            {
                "speed": number(0),
                "loop": FLAG,
                "position": or_null(INSTANT),
                "begin": or_null(INSTANT),
                "end": or_null(INSTANT),
            }
        )
    ),
}


def schemas(symbols: tuple[str, ...]) -> dict[str, Schema]:
    """Every shape that has a name, for a server that carries these symbols."""
    return {
        "Error": closed(
            {
                "error": closed(
                    {"code": one_of(ERROR_CODES), "message": TEXT, "fields": by_name(TEXT)},
                    optional=("fields",),
                )
            }
        ),
        "Symbol": one_of(symbols),
        "Ticker": TICKER,
        "ListedSymbol": closed(
            {
                "symbol": ref("Ticker"),
                "name": TEXT,
                "price_decimals": or_null(integer(0)),
                "day_span_seconds": or_null(integer(0, 86_400)),
                "source": TEXT,
                "followed": FLAG,
            }
        ),
        "Interval": one_of(tuple(INTERVALS)),
        "Health": closed(
            {
                "status": one_of(("ok", "degraded")),
                "version": TEXT,
                "uptime_seconds": number(0),
                "connections": integer(0),
                "feed": ref("Feed"),
                "unreachable": array(TEXT),
                "faults": by_name(one_of(Fault)),
            }
        ),
        "NotReady": closed({"status": {"const": "not_ready"}, "reason": one_of(NotReady)}),
        "Process": closed(
            {
                "name": TEXT,
                "version": TEXT,
                "started_at": INSTANT,
                "reported_at": INSTANT,
                "leads": FLAG,
                "figures": ref("Figures"),
            }
        ),
        "Figures": closed(
            {
                "connections": integer(0),
                "transports": by_name(integer(0), *TRANSPORTS),
                "clients": by_name(integer(0), *KINDS),
                "subscriptions": by_name(integer(1), *symbols),
                "durations": by_name(ref("Histogram"), *KINDS),
                "deliveries": by_name(integer(0)),
                "lateness": by_name(
                    ref("Histogram"), protocol.MARKET_UPDATE, protocol.PRICE_UPDATE
                ),
                "reconnects": by_name(integer(1), *KINDS),
                "resumes": by_name(integer(1), *OUTCOMES),
            }
        ),
        "Histogram": closed(
            {"count": integer(0), "seconds": number(0), "up_to": by_name(integer(0))}
        ),
        "Feed": closed(
            {
                "name": TEXT,
                **_FEED_STATUS,
                "last_update": or_null(INSTANT),
                "history": array(closed({"state": one_of(FeedState), "since": INSTANT})),
            }
        ),
        "FeedStatus": closed(_FEED_STATUS),
        "Quote": closed({field: _QUOTE[field] for field in QUOTE_FIELDS}, optional=BOOK_FIELDS),
        "Candle": closed(
            {
                "time": INSTANT,
                **dict.fromkeys(("open", "high", "low", "close"), number(0)),
                "volume": number(0),
                "quote_volume": number(0),
            }
        ),
        "Sentiment": closed(
            {
                "id": ID,
                "overall_sentiment": TEXT,
                "market_fear_greed": integer(0, 100),
                "market_mood": TEXT,
                "confidence": number(0, 1),
                "trending_topics": array(TEXT),
                "components": by_name(number(0, 100)),
                "timestamp": INSTANT,
                "offset": integer(1),
            },
            # What would have been said before anything was has no place in what was said.
            optional=("offset",),
        ),
        "Signal": closed(
            {
                "id": ID,
                # Perhaps one that was served when this was said.
                "symbol": ref("Ticker"),
                "timeframe": one_of(tuple(INTERVALS)),
                "signal": one_of(SignalLevel),
                "strength": number(0.5, 1),
                "score": number(-1, 1),
                "reason": one_of(SignalReason),
                "price": number(0),
                "timestamp": INSTANT,
                "offset": integer(1),
            }
        ),
        "SignalRecord": closed(
            {
                "signal": one_of(SignalLevel),
                "horizon": one_of(tuple(HORIZONS)),
                "count": integer(0),
                "right": integer(0),
                "base_rate": or_null(number(0, 1)),
                "mean_excess_bp": or_null({"type": "number"}),
                "interval_90_bp": or_null(array({"type": "number"}, minItems=2, maxItems=2)),
                "left_out": integer(0),
            }
        ),
        "DailyIndex": closed(
            {
                **_DAY,
                "components": by_name(number(0, 100), *daily_index.COMPONENTS),
                "history": array(closed(_DAY), minItems=1, maxItems=READINGS),
            }
        ),
        "Rating": closed(
            {
                "score": number(-1, 1),
                "signal": one_of(SignalLevel),
                "moving_averages": ref("VoteCount"),
                "oscillators": ref("VoteCount"),
                "votes": array(ref("Vote")),
                "candle_time": INSTANT,
            }
        ),
        "VoteCount": closed(
            {
                "score": or_null(number(-1, 1)),
                "buy": integer(0),
                "hold": integer(0),
                "sell": integer(0),
            }
        ),
        "Vote": closed(
            {
                "name": one_of((*MOVING_AVERAGES, *OSCILLATORS)),
                "value": or_null(number()),
                "vote": or_null(integer(-1, 1)),
            }
        ),
        "Forecast": closed(
            {
                "symbol": ref("Symbol"),
                "price": number(0),
                "decimals": integer(0),
                "timestamp": INSTANT,
                "ranges": by_name(
                    by_name(array(number(0), minItems=2, maxItems=2), *LEVELS), *ranges.HORIZONS
                ),
            }
        ),
        "Tally": closed({"hits": integer(0), "total": integer(0)}),
        "User": closed({"id": integer(1), "username": TEXT, "created_at": INSTANT}),
        "Credentials": closed({"username": USERNAME, "password": PASSWORD}),
        "Login": closed(
            {"username": TEXT, "password": {"type": "string", "maxLength": PASSWORD_MAX_CHARS}}
        ),
        "PasswordChange": closed({"current_password": TEXT, "new_password": PASSWORD}),
        "Session": closed(
            {
                "id": ID,
                "created_at": INSTANT,
                "last_used_at": INSTANT,
                "user_agent": {"type": "string", "maxLength": USER_AGENT_MAX_CHARS},
                "address": {"type": "string", "maxLength": ADDRESS_MAX_CHARS},
                "current": FLAG,
            }
        ),
        "RefreshToken": closed({"refresh_token": TEXT}, optional=("refresh_token",)),
        "Grant": closed(
            {
                "access_token": TOKEN,
                "refresh_token": TOKEN,
                "token_type": {"const": "Bearer"},
                "expires_in": integer(1),
                "user": closed({"id": integer(1), "username": TEXT}),
            },
            # In a cookie where the request asks for that.
            optional=("refresh_token",),
        ),
    }
