"""What clients send, whatever it is, validated before anything else happens."""

import sys
from collections.abc import Container
from dataclasses import dataclass
from typing import Any

from backend.config_values import INTERVAL_NAMES, SYMBOL_PATTERN
from backend.protocol import (
    ALL_QUOTE_FIELDS,
    INVALID_CANDLES,
    INVALID_FIELDS,
    INVALID_PAYLOAD,
    INVALID_SYMBOLS,
    MALFORMED_SYMBOL,
    TOO_MANY_SYMBOLS,
    UNKNOWN_SYMBOL,
    Place,
)

# What a client sends with an event.
Arguments = tuple[Any, ...]

# The contract's bound on one request; a connection may add up every symbol that is served.
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
