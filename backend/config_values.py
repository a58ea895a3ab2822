"""How the value of each kind of variable is read: a string in, a typed value or ValueError out."""

import ipaddress
import re
import sys
from collections.abc import Callable
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parent.parent

SIMULATED_FEED = "simulated"
BINANCE_FEED = "binance"
KRAKEN_FEED = "kraken"
COINBASE_FEED = "coinbase"
EXCHANGE_FEEDS = (BINANCE_FEED, KRAKEN_FEED, COINBASE_FEED)
REPLAY_FEED_PREFIX = "replay:"
# Two years, which the daily index ranks itself in: of 20 symbols, a second's work.
SIMULATION_DAYS_MAX = 730

# Those of `market.candles`, which has their lengths.
INTERVAL_NAMES = ("1m", "5m", "15m", "1h", "4h", "1d")

SYMBOL_PATTERN = re.compile(r"[A-Z0-9]{1,15}")
# Each symbol keeps about 0.5 MB of candles, so this bounds the market's memory to some 250 MB.
SYMBOLS_MAX = 500

# It stands in every session's id, in the addresses of polls and in logs.
PROCESS_NAME_MAX_CHARS = 16

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# A key serves until the last refresh token under it has expired; more than a few at once would be
# rotations by the week.
KEYS_MAX = 8


def number(low: float, high: float) -> Callable[[str], float]:
    def parser(value: str) -> float:
        number = float(value)
        if not low <= number <= high:  # also false for NaN
            raise ValueError(value)
        return number

    return parser


def integer(low: int, high: int) -> Callable[[str], int]:
    def parser(value: str) -> int:
        number = int(value)
        if not low <= number <= high:
            raise ValueError(value)
        return number

    return parser


def boolean(value: str) -> bool:
    if value.lower() in ("true", "1", "yes", "on"):
        return True
    if value.lower() in ("false", "0", "no", "off"):
        return False
    raise ValueError(value)


def one_of(*choices: str) -> Callable[[str], str]:
    def parser(value: str) -> str:
        if value.lower() not in choices:
            raise ValueError(value)
        return value.lower()

    return parser


def url(*schemes: str) -> Callable[[str], str]:
    def parser(value: str) -> str:
        if not re.fullmatch(rf"({'|'.join(schemes)})://\S+", value):
            raise ValueError(value)
        return value

    return parser


def symbols(value: str) -> tuple[str, ...]:
    parts = (sys.intern(part.strip()) for part in value.split(",") if part.strip())
    symbols = tuple(dict.fromkeys(parts))
    if not 1 <= len(symbols) <= SYMBOLS_MAX:
        raise ValueError(value)
    if not all(SYMBOL_PATTERN.fullmatch(symbol) for symbol in symbols):
        raise ValueError(value)
    return symbols


def process_name(value: str) -> str:
    if not re.fullmatch(rf"[a-z0-9]{{0,{PROCESS_NAME_MAX_CHARS}}}", value):
        raise ValueError(value)
    return value


def retention(value: str) -> dict[str, float]:
    """Days by interval; `none` keeps all for ever."""
    if value == "none":
        return {}
    pairs = [part.strip().partition(":") for part in value.split(",")]
    if any(interval not in INTERVAL_NAMES for interval, _, _ in pairs):
        raise ValueError(value)
    return {interval: number(1, 36_500)(days) for interval, _, days in pairs}


def market_feed(value: str) -> str:
    exchanges = [part.strip() for part in value.split(",")]
    if set(exchanges) <= set(EXCHANGE_FEEDS) and len(set(exchanges)) == len(exchanges):
        return ",".join(exchanges)
    if value == SIMULATED_FEED:
        return value
    path = value.removeprefix(REPLAY_FEED_PREFIX)
    if path == value or not Path(path).expanduser().exists():
        raise ValueError(value)
    return value


def database_url(value: str) -> str:
    """Relative SQLite paths count from the project's root, so that any working directory does."""
    sqlite = "sqlite:///"
    if value.startswith(sqlite):
        path = value.removeprefix(sqlite)
        if path and path != ":memory:":
            return sqlite + str(PROJECT_ROOT / path)
    elif re.match(r"postgres(ql)?(\+psycopg2)?://.+", value):
        return re.sub(r"^postgres(ql)?(\+psycopg2)?://", "postgresql+psycopg2://", value)
    raise ValueError(value)


def origins(value: str) -> tuple[str, ...]:
    origins = tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())
    if not all(origin == "*" or re.fullmatch(r"https?://[^/\s]+", origin) for origin in origins):
        raise ValueError(value)
    return origins


def keys(value: str, min_bytes: int) -> tuple[str, ...]:
    found = tuple(part.strip() for part in value.split(",") if part.strip())
    if len(found) > KEYS_MAX or any(len(key.encode()) < min_bytes for key in found):
        raise ValueError("too many or too short")  # without the value, which is secret
    return found


def networks(value: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in value.split(",") if part.strip())
