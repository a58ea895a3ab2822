"""The words of the wire: event names, room names, error codes, payload limits and validation.

Spelled here and nowhere else. The contract that these implement is described in
`docs/protocol.md`.
"""

import sys
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from backend.config_values import INTERVAL_NAMES, SYMBOL_PATTERN

VERSION = "0.1.0"

# What an event carries: one JSON object.
Payload = dict[str, Any]
# What a client sends with an event, whatever it is.
Arguments = tuple[Any, ...]

# --- events, server to client ---------------------------------------------------------------------
CONNECTION_STATUS = "connection_status"
AUTH_ERROR = "auth_error"
SUBSCRIPTION_CONFIRMED = "subscription_confirmed"
UNSUBSCRIPTION_CONFIRMED = "unsubscription_confirmed"
MARKET_UPDATE = "market_update"
PRICE_UPDATE = "price_update"
CANDLE = "candle"
SENTIMENT_UPDATE = "sentiment_update"
TRADING_SIGNAL = "trading_signal"
ERROR = "error"
SERVER_SHUTDOWN = "server_shutdown"

# --- events, client to server ---------------------------------------------------------------------
SUBSCRIBE = "subscribe"
UNSUBSCRIBE = "unsubscribe"
AUTHENTICATE = "authenticate"
HEARTBEAT = "heartbeat"

# --- connection_status ----------------------------------------------------------------------------
STATUS_CONNECTED = "connected"
STATUS_TOKEN_REFRESHED = "token_refreshed"
STATUS_TOKEN_EXPIRING = "token_expiring"
STATUS_FEED_DEGRADED = "feed_degraded"
STATUS_FEED_RESTORED = "feed_restored"
STATUS_FEED_CHANGED = "feed_changed"
STATUS_SHUTDOWN = "shutting_down"

# --- error codes: the `error` event, `rejected` symbols, REST -------------------------------------
INVALID_PAYLOAD = "invalid_payload"
INVALID_SYMBOLS = "invalid_symbols"
TOO_MANY_SYMBOLS = "too_many_symbols"
INVALID_FIELDS = "invalid_fields"
INVALID_CANDLES = "invalid_candles"
UNKNOWN_SYMBOL = "unknown_symbol"
NOT_LISTED = "not_listed"
MALFORMED_SYMBOL = "malformed_symbol"
UNKNOWN_EVENT = "unknown_event"
INTERNAL_ERROR = "internal_error"
MESSAGE_TOO_LARGE = "message_too_large"
TOO_MANY_CONNECTIONS = "too_many_connections"
VALIDATION_FAILED = "validation_failed"
BAD_JSON = "bad_json"
UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
USERNAME_TAKEN = "username_taken"
INVALID_CREDENTIALS = "invalid_credentials"
RATE_LIMITED = "rate_limited"
NOT_FOUND = "not_found"
FORBIDDEN = "forbidden"
METHOD_NOT_ALLOWED = "method_not_allowed"
PAYLOAD_TOO_LARGE = "payload_too_large"
BAD_REQUEST = "bad_request"
UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class AuthFailure:
    """Why a token is refused: `error` is the text of the contract, `code` its constant name."""

    error: str
    code: str


TOKEN_MISSING = AuthFailure("Token missing", "token_missing")
TOKEN_EXPIRED = AuthFailure("Token expired", "token_expired")
TOKEN_REVOKED = AuthFailure("Token revoked", "token_revoked")
TOKEN_INVALID = AuthFailure("Invalid token", "token_invalid")


# --- rooms ----------------------------------------------------------------------------------------
# A connection keeps the names of its rooms, which are the same objects for all.

# Every accepted connection; one that is still being refused is in no room and hears nothing.
ACCEPTED_ROOM = "accepted"


def symbol_room(symbol: str) -> str:
    """Connections subscribed to `symbol`; its signals go here."""
    return sys.intern(f"symbol:{symbol}")


def realtime_room(symbol: str) -> str:
    """Connections subscribed to `symbol` that asked for every price change."""
    return sys.intern(f"realtime:{symbol}")


def candle_room(symbol: str, interval: str) -> str:
    """Connections subscribed to `symbol` that asked for its candles of `interval`."""
    return sys.intern(f"candle:{symbol}:{interval}")


def user_room(user_id: int) -> str:
    """All connections of a user, on whichever process; for programs outside to emit to."""
    return f"user:{user_id}"


def basket_room(number: int) -> str:
    """Connections that share one set of symbols and fields, and so the bytes of each tick."""
    return f"basket:{number}"


def is_own_room(room: str) -> bool:
    """Whether it is for this server alone to say who is in a room."""
    return room == ACCEPTED_ROOM or room.startswith(
        ("symbol:", "realtime:", "candle:", "user:", "basket:")
    )


# --- quotes ---------------------------------------------------------------------------------------
RECEIVED_AT = "received_at"
# Absent where the feed has no order book.
BOOK_FIELDS = ("bid", "ask")
# What a quote has, and what it has where a client names it.
QUOTE_FIELDS = (
    "symbol",
    "price",
    "change_24h",
    "volume_24h",
    "timestamp",
    "seq",
    "stale",
    "source",
    *BOOK_FIELDS,
)
ALL_QUOTE_FIELDS = (*QUOTE_FIELDS, RECEIVED_AT)

# --- validation of what clients send --------------------------------------------------------------
# The contract's bound on one request; a connection may add up to every configured symbol.
SYMBOLS_PER_REQUEST_MAX = 100
# A heartbeat's client_time is echoed, so it is kept to the size of a timestamp.
CLIENT_TIME_MAX_CHARS = 64
# An epoch or an offset that a client gives back is never longer than what it was given.
PLACE_MAX_CHARS = 64
# Likewise a private id.
PID_MAX_CHARS = 64
# Names of unknown events are echoed to their sender, cut to this.
EVENT_NAME_MAX_CHARS = 64


class RequestError(Exception):
    """A client's request can't be served: answer `error` with `code` and the message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class SymbolRequest:
    """The symbols of a request: those that can be served, in its order, and the others with why."""

    accepted: tuple[str, ...]
    rejected: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client stands in what may be resumed. `offset` is None where it is none that this
    server gives."""

    epoch: str
    offset: int | None

    def __str__(self) -> str:
        """As those who asked for recovery are told of it, and say it again."""
        return f"{self.epoch}:{self.offset}"


@dataclass(frozen=True, slots=True)
class Return:
    """What a client shows that comes back: its private id, and the last place it was told. Where
    that was an answer's it has the number of the answer, and else 0."""

    pid: str
    place: Place
    answer: int = 0


@dataclass(frozen=True, slots=True)
class SubscribeRequest:
    """A valid `subscribe`. `realtime`, `fields` and `candles` are None where the request leaves
    them be; `fields` are in the order of `ALL_QUOTE_FIELDS` and always hold `symbol`, `candles` are
    intervals in that of `INTERVAL_NAMES`. `resume` is where the client stood when it was last
    connected."""

    symbols: SymbolRequest
    realtime: bool | None
    fields: tuple[str, ...] | None
    candles: tuple[str, ...] | None = None
    resume: Place | None = None


def parse_subscribe(args: Arguments, known: Container[str]) -> SubscribeRequest:
    """Validate the arguments of a `subscribe` event; raises `RequestError`."""
    payload = _object(args, required=True)
    symbols = _symbols(payload.get("symbols"), known)
    realtime = payload.get("realtime")
    if realtime is not None and not isinstance(realtime, bool):
        raise RequestError(INVALID_PAYLOAD, "realtime must be true or false")
    return SubscribeRequest(
        symbols,
        realtime,
        _fields(payload.get("fields")),
        _intervals(payload.get("candles")),
        _place(payload.get("resume")),
    )


def parse_unsubscribe(args: Arguments, known: Container[str]) -> SymbolRequest | None:
    """Validate an `unsubscribe`; None means every symbol. Raises `RequestError`."""
    payload = _object(args, required=False)
    if payload.get("symbols") is None:
        return None
    return _symbols(payload["symbols"], known)


def wants_recovery(auth: object) -> bool:
    """Whether a client has asked for the recovery of its connection's state."""
    return isinstance(auth, dict) and auth.get("recovery") is True


def parse_return(auth: object) -> Return | None:
    """What a client that comes back shows with CONNECT; None where it shows nothing that it could
    have from here."""
    if not isinstance(auth, dict):
        return None
    pid, told = auth.get("pid"), auth.get("offset")
    if not isinstance(pid, str) or not isinstance(told, str):
        return None
    if not pid.isascii() or len(pid) > PID_MAX_CHARS or len(told) > PLACE_MAX_CHARS:
        return None
    epoch, *numbers = told.split(":")
    if not epoch or not 1 <= len(numbers) <= 2 or not all(map(_is_offset, numbers)):
        return None
    offset, answer = (*map(int, numbers), 0)[:2]
    return Return(pid, Place(epoch, offset), answer)


def parse_token(args: Arguments) -> object:
    """The token of an `authenticate` event, whatever its type; None where there is none."""
    return args[0].get("token") if args and isinstance(args[0], dict) else None


def parse_heartbeat(args: Arguments) -> float | str | None:
    """The `client_time` of a heartbeat, to be echoed; raises `RequestError`."""
    client_time = _object(args, required=False).get("client_time")
    if isinstance(client_time, str) and len(client_time) <= CLIENT_TIME_MAX_CHARS:
        return client_time
    if isinstance(client_time, bool):
        raise RequestError(INVALID_PAYLOAD, "client_time must be a number or a short string")
    # Integers beyond a double would not survive the way back through JSON.
    if client_time is None or isinstance(client_time, float):
        return client_time
    if isinstance(client_time, int) and abs(client_time) <= 2**53:
        return client_time
    raise RequestError(INVALID_PAYLOAD, "client_time must be a number or a short string")


def _object(args: Arguments, *, required: bool) -> dict[str, Any]:
    if not required and (not args or args[0] is None):
        return {}
    if len(args) != 1 or not isinstance(args[0], dict):
        raise RequestError(INVALID_PAYLOAD, "the payload must be one object")
    return args[0]


def _symbols(value: object, known: Container[str]) -> SymbolRequest:
    if not isinstance(value, list) or not all(isinstance(symbol, str) for symbol in value):
        raise RequestError(INVALID_SYMBOLS, "symbols must be a list of strings")
    if len(value) > SYMBOLS_PER_REQUEST_MAX:
        raise RequestError(
            TOO_MANY_SYMBOLS, f"at most {SYMBOLS_PER_REQUEST_MAX} symbols in one request"
        )
    unique = dict.fromkeys(value)
    return SymbolRequest(
        # Interned, as the configured symbols are: a tick looks each of them up by identity.
        tuple(sys.intern(symbol) for symbol in unique if symbol in known),
        tuple(_rejection(symbol) for symbol in unique if symbol not in known),
    )


def _rejection(symbol: str) -> dict[str, str]:
    if SYMBOL_PATTERN.fullmatch(symbol):
        return {
            "symbol": symbol,
            "code": UNKNOWN_SYMBOL,
            "message": "this server does not carry the symbol; GET /api/market/symbols lists them",
        }
    return {
        "symbol": symbol,
        "code": MALFORMED_SYMBOL,
        "message": "symbols are upper-case tickers such as BTC",
    }


def _place(value: object) -> Place | None:
    if value is None:
        return None
    epoch, offset = (value.get("epoch"), value.get("offset")) if isinstance(value, dict) else (0, 0)
    if (
        not isinstance(epoch, str)
        or isinstance(offset, bool)
        or not isinstance(offset, int | str)
        or max(len(epoch), len(str(offset))) > PLACE_MAX_CHARS
    ):
        raise RequestError(
            INVALID_PAYLOAD, "resume must be an epoch and an offset, as the server gave them"
        )
    if isinstance(offset, str):
        # Not every client keeps a number a number.
        return Place(epoch, int(offset) if _is_offset(offset) else None)
    return Place(epoch, offset)


def _is_offset(text: str) -> bool:
    return text.isascii() and text.isdigit()


def _fields(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(field, str) for field in value):
        raise RequestError(INVALID_FIELDS, "fields must be a list of strings")
    if unknown := [field for field in value if field not in ALL_QUOTE_FIELDS]:
        raise RequestError(
            INVALID_FIELDS,
            f"unknown fields {[field[:32] for field in unknown[:5]]}; "
            f"a quote has {', '.join(ALL_QUOTE_FIELDS)}",
        )
    return tuple(field for field in ALL_QUOTE_FIELDS if field == "symbol" or field in value)


def _intervals(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list) or any(interval not in INTERVAL_NAMES for interval in value):
        raise RequestError(
            INVALID_CANDLES, f"candles must be a list of intervals: {', '.join(INTERVAL_NAMES)}"
        )
    return tuple(interval for interval in INTERVAL_NAMES if interval in value)
