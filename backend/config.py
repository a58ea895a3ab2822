"""Settings from the environment, read once, typed and frozen.

`load_settings` names every bad variable in one `ConfigError`. A variable that is set but empty
counts as absent, as container tooling passes it.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from backend import config_values as values
from backend.config_values import (
    EXCHANGE_FEEDS,
    PROCESS_NAME_MAX_CHARS,
    PROJECT_ROOT,
    REPLAY_FEED_PREFIX,
    SIMULATED_FEED,
    SYMBOLS_MAX,
    Network,
)

INSTANCE_DIR = PROJECT_ROOT / "instance"

DEVELOPMENT = "development"
PRODUCTION = "production"

CRS_ENGINE = "crs"
STOCK_ENGINE = "stock"

DEFAULT_SYMBOLS = (
    "BTC,ETH,SOL,XRP,BNB,ADA,DOGE,AVAX,DOT,LINK,LTC,BCH,TRX,UNI,ATOM,XLM,NEAR,AAVE,FIL,ALGO"
)

# RFC 7518 3.2: an HS256 key is at least as long as the hash.
SECRET_MIN_BYTES = 32

T = TypeVar("T")


class ConfigError(Exception):
    """The environment can't be used; the message names every bad variable. Fix it and restart."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the process runs with. `README.md` and `.env.example` say what each one means."""

    host: str
    port: int
    app_env: str
    jwt_secret_key: str
    jwt_previous_secret_keys: tuple[str, ...]
    access_token_minutes: float
    refresh_token_days: float
    token_warning_seconds: float
    websocket_auth_required: bool
    database_url: str
    redis_url: str
    process_name: str
    cors_origins: tuple[str, ...]
    symbols: tuple[str, ...]
    symbols_added_max: int
    symbols_added_per_user: int
    candle_retention_days: dict[str, float]
    market_feed: str
    binance_ws_url: str
    binance_rest_url: str
    kraken_ws_url: str
    kraken_rest_url: str
    coinbase_ws_url: str
    coinbase_rest_url: str
    replay_speed: float
    replay_loop: bool
    simulation_seed: int | None
    simulation_days: int
    market_interval: float
    sentiment_interval: float
    signal_interval: float
    signal_timeframe: str
    connections_per_address: int
    connections_per_user: int
    admin_users: tuple[str, ...]
    metrics_token: str
    metrics_addresses: tuple[Network, ...]
    trusted_proxies: int
    fanout_engine: str
    fanout_deflate: bool
    log_level: str

    def urls_of(self, exchange: str) -> tuple[str, str]:
        """Where an exchange's WebSocket and REST sides are."""
        return getattr(self, f"{exchange}_ws_url"), getattr(self, f"{exchange}_rest_url")

    @property
    def production(self) -> bool:
        return self.app_env == PRODUCTION


class _Reader:
    """Reads variables one by one and collects what is wrong with them."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, "").strip() or default

    def parse(self, name: str, default: str, allowed: str, parser: Callable[[str], T]) -> T:
        """The parsed value; on a bad one, note the problem and return the default, parsed."""
        value = self.text(name, default)
        try:
            return parser(value)
        except ValueError:
            self.reject(name, repr(value), allowed)
            return parser(default)

    def reject(self, name: str, was: str, allowed: str) -> None:
        self.problems.append(f"{name} was {was}; allowed: {allowed}")


def _development_secret(path: Path) -> str:
    """The secret kept at `path`, generated there at the first start, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = secrets.token_urlsafe(48)
    # Written beside and then linked: of two servers that start at once, both read the same secret.
    draft = path.with_suffix(f".{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(fresh)
    try:
        os.link(draft, path)
    except FileExistsError:
        return path.read_text().strip()
    finally:
        draft.unlink()
    return fresh


def load_settings(
    environ: Mapping[str, str] = os.environ, instance_dir: Path = INSTANCE_DIR
) -> Settings:
    """Settings from `environ`; raises `ConfigError` with every problem at once."""
    read = _Reader(environ)
    interval = values.number(0.01, 86_400)
    connections = "a number of connections, or 0 for no limit"
    interval_text = "a number of seconds from 0.01 to 86400"

    app_env = read.parse(
        "APP_ENV",
        DEVELOPMENT,
        f"{DEVELOPMENT} or {PRODUCTION}",
        values.one_of(DEVELOPMENT, PRODUCTION),
    )
    production = app_env == PRODUCTION

    secret = read.text("JWT_SECRET_KEY", "")
    if secret and len(secret.encode()) < SECRET_MIN_BYTES:
        read.reject(
            "JWT_SECRET_KEY", f"{len(secret.encode())} bytes long", f"{SECRET_MIN_BYTES} or more"
        )
    elif not secret and production:
        read.reject("JWT_SECRET_KEY", "absent", "a secret of your own, required in production")

    previous_secrets: tuple[str, ...] = ()
    try:
        previous_secrets = values.keys(read.text("JWT_PREVIOUS_SECRET_KEYS", ""), SECRET_MIN_BYTES)
    except ValueError:
        # Not `parse`, which would repeat the value.
        read.reject(
            "JWT_PREVIOUS_SECRET_KEYS",
            "too many or too short",
            f"up to {values.KEYS_MAX}, comma-separated, {SECRET_MIN_BYTES} bytes or more each",
        )

    cors_origins = read.parse(
        "CORS_ORIGINS",
        "" if production else "*",
        "* or a comma-separated list such as https://app.example.com",
        values.origins,
    )
    if production and "*" in cors_origins:
        read.reject("CORS_ORIGINS", "'*'", "the origins of your pages; not * in production")

    def stream(name: str, default: str) -> str:
        return read.parse(name, default, "a ws:// or wss:// URL", values.url("ws", "wss"))

    def rest(name: str, default: str) -> str:
        return read.parse(name, default, "an http:// or https:// URL", values.url("http", "https"))

    settings = Settings(
        host=read.text("HOST", "127.0.0.1"),
        port=read.parse("PORT", "5000", "a port, or 0 for any free one", values.integer(0, 65_535)),
        app_env=app_env,
        jwt_secret_key=secret,
        jwt_previous_secret_keys=previous_secrets,
        access_token_minutes=read.parse(
            "ACCESS_TOKEN_MINUTES", "60", "a number from 0.01 to 43200", values.number(0.01, 43_200)
        ),
        refresh_token_days=read.parse(
            "REFRESH_TOKEN_DAYS", "30", "a number from 0.0001 to 3650", values.number(0.0001, 3_650)
        ),
        token_warning_seconds=read.parse(
            "TOKEN_WARNING_SECONDS",
            "60",
            "a number of seconds from 1 to 3600",
            values.number(1, 3_600),
        ),
        websocket_auth_required=read.parse(
            "WEBSOCKET_AUTH_REQUIRED", "true", "true or false", values.boolean
        ),
        database_url=read.parse(
            "DATABASE_URL",
            "sqlite:///instance/crs.db",
            "sqlite:///<file> or postgresql://user:password@host/name",
            values.database_url,
        ),
        redis_url=read.parse(
            "REDIS_URL",
            "",
            "redis://host:port/db, or empty",
            lambda value: value and values.url("redis", "rediss", "unix")(value),
        ),
        process_name=read.parse(
            "PROCESS_NAME",
            "",
            f"up to {PROCESS_NAME_MAX_CHARS} of a-z and 0-9, or empty",
            values.process_name,
        ),
        cors_origins=cors_origins,
        symbols=read.parse(
            "SYMBOLS",
            DEFAULT_SYMBOLS,
            f"1 to {SYMBOLS_MAX} comma-separated tickers of A-Z and 0-9, such as BTC,ETH",
            values.symbols,
        ),
        symbols_added_max=read.parse(
            "SYMBOLS_ADDED_MAX",
            "100",
            f"a number of symbols from 0 to {SYMBOLS_MAX}",
            values.integer(0, SYMBOLS_MAX),
        ),
        symbols_added_per_user=read.parse(
            "SYMBOLS_ADDED_PER_USER",
            "10",
            f"a number of symbols from 0 to {SYMBOLS_MAX}",
            values.integer(0, SYMBOLS_MAX),
        ),
        candle_retention_days=read.parse(
            "CANDLE_RETENTION_DAYS",
            "1m:90,5m:90,15m:90",
            "comma-separated intervals with days from 1 to 36500, such as 1m:90,1h:3650, or none",
            values.retention,
        ),
        market_feed=read.parse(
            "MARKET_FEED",
            SIMULATED_FEED,
            f"{SIMULATED_FEED}, {', '.join(EXCHANGE_FEEDS)} (several in order of preference, "
            f"comma-separated), or {REPLAY_FEED_PREFIX}<path of a recording>",
            values.market_feed,
        ),
        binance_ws_url=stream("BINANCE_WS_URL", "wss://data-stream.binance.vision"),
        binance_rest_url=rest("BINANCE_REST_URL", "https://data-api.binance.vision"),
        kraken_ws_url=stream("KRAKEN_WS_URL", "wss://ws.kraken.com/v2"),
        kraken_rest_url=rest("KRAKEN_REST_URL", "https://api.kraken.com"),
        coinbase_ws_url=stream("COINBASE_WS_URL", "wss://ws-feed.exchange.coinbase.com"),
        coinbase_rest_url=rest("COINBASE_REST_URL", "https://api.exchange.coinbase.com"),
        replay_speed=read.parse(
            "REPLAY_SPEED", "1", "a number from 0.01 to 1000000", values.number(0.01, 1_000_000)
        ),
        replay_loop=read.parse("REPLAY_LOOP", "false", "true or false", values.boolean),
        simulation_seed=read.parse(
            "SIMULATION_SEED",
            "",
            "an integer from 0 to 4294967295, or empty for a new market each time",
            lambda value: values.integer(0, 2**32 - 1)(value) if value else None,
        ),
        simulation_days=read.parse(
            "SIMULATION_DAYS",
            str(values.SIMULATION_DAYS_MAX),
            f"a number of days from 1 to {values.SIMULATION_DAYS_MAX}",
            values.integer(1, values.SIMULATION_DAYS_MAX),
        ),
        market_interval=read.parse("MARKET_INTERVAL", "2", interval_text, interval),
        sentiment_interval=read.parse("SENTIMENT_INTERVAL", "10", interval_text, interval),
        signal_interval=read.parse("SIGNAL_INTERVAL", "15", interval_text, interval),
        signal_timeframe=read.parse(
            "SIGNAL_TIMEFRAME",
            "1h",
            f"one of {', '.join(values.INTERVAL_NAMES)}",
            values.one_of(*values.INTERVAL_NAMES),
        ),
        connections_per_address=read.parse(
            "CONNECTIONS_PER_ADDRESS", "6000", connections, values.integer(0, 1_000_000)
        ),
        connections_per_user=read.parse(
            "CONNECTIONS_PER_USER", "6000", connections, values.integer(0, 1_000_000)
        ),
        admin_users=tuple(
            name.strip() for name in read.text("ADMIN_USERS", "").split(",") if name.strip()
        ),
        metrics_token=read.text("METRICS_TOKEN", ""),
        metrics_addresses=read.parse(
            "METRICS_ADDRESSES",
            "",
            "comma-separated addresses or networks such as 127.0.0.1,10.0.0.0/8; empty: all",
            values.networks,
        ),
        trusted_proxies=read.parse(
            "TRUSTED_PROXIES",
            "0",
            "how many reverse proxies stand in front, 0 to 10",
            values.integer(0, 10),
        ),
        fanout_engine=read.parse(
            "FANOUT_ENGINE",
            CRS_ENGINE,
            f"{CRS_ENGINE} or {STOCK_ENGINE}",
            values.one_of(CRS_ENGINE, STOCK_ENGINE),
        ),
        fanout_deflate=read.parse("FANOUT_DEFLATE", "true", "true or false", values.boolean),
        log_level=read.parse(
            "LOG_LEVEL",
            "info",
            "debug, info, warning or error",
            values.one_of("debug", "info", "warning", "error"),
        ),
    )
    if read.problems:
        raise ConfigError("Configuration can't be used:\n  " + "\n  ".join(read.problems))
    if not settings.jwt_secret_key:
        return replace(settings, jwt_secret_key=_development_secret(instance_dir / "jwt_secret"))
    return settings
