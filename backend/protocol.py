"""The words of the wire: event names, room names, error codes, fields of a quote.

Spelled here and nowhere else. The contract that these implement is described in
`docs/protocol.md`; what clients send is read in `client_messages`.
"""

import sys
from dataclasses import dataclass
from typing import Any

VERSION = "0.1.0"

# What an event carries: one JSON object.
Payload = dict[str, Any]

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

# --- places ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where a client stands in what may be resumed. `offset` is None where it is none that this
    server gives."""

    epoch: str
    offset: int | None

    def __str__(self) -> str:
        """As those who asked for recovery are told of it, and say it again."""
        return f"{self.epoch}:{self.offset}"
