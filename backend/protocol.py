"""The words of the wire: event names, room names, error codes, payload limits and validation.

Spelled here and nowhere else. The contract that these implement is described in
`docs/protocol.md`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

VERSION = "0.1.0"

# --- events, server to client ---------------------------------------------------------------------
CONNECTION_STATUS = "connection_status"
AUTH_ERROR = "auth_error"
SUBSCRIPTION_CONFIRMED = "subscription_confirmed"
UNSUBSCRIPTION_CONFIRMED = "unsubscription_confirmed"
MARKET_UPDATE = "market_update"
PRICE_UPDATE = "price_update"
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
STATUS_SHUTDOWN = "shutting_down"

# --- error codes of the `error` event, of `rejected` symbols and of REST ----------------------------
INVALID_PAYLOAD = "invalid_payload"
INVALID_SYMBOLS = "invalid_symbols"
TOO_MANY_SYMBOLS = "too_many_symbols"
INVALID_FIELDS = "invalid_fields"
UNKNOWN_SYMBOL = "unknown_symbol"
MALFORMED_SYMBOL = "malformed_symbol"
UNKNOWN_EVENT = "unknown_event"
INTERNAL_ERROR = "internal_error"
VALIDATION_FAILED = "validation_failed"
BAD_JSON = "bad_json"
UNSUPPORTED_MEDIA_TYPE = "unsupported_media_type"
USERNAME_TAKEN = "username_taken"
INVALID_CREDENTIALS = "invalid_credentials"
RATE_LIMITED = "rate_limited"
NOT_FOUND = "not_found"
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
