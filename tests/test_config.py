"""Settings: defaults, and one message that names everything wrong."""

import stat
from pathlib import Path

import pytest

from backend.config import ConfigError, load_settings
from backend.config_values import INTERVAL_NAMES
from backend.market.candles import INTERVALS

SECRET = "s" * 32


def problems(instance: Path, **environment: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load_settings(environment, instance)
    return str(caught.value)


def test_the_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    settings = load_settings({}, tmp_path)
    assert (settings.host, settings.port, settings.app_env) == ("127.0.0.1", 5000, "development")
    assert (settings.access_token_minutes, settings.refresh_token_days) == (60, 30)
    assert settings.token_warning_seconds == 60
    assert settings.websocket_auth_required is True
    assert settings.database_url.endswith("/instance/crs.db")
    assert settings.redis_url == ""
    assert settings.cors_origins == ("*",)
    assert len(settings.symbols) == 20
    assert {"BTC", "ETH", "ADA", "DOT", "LINK", "SOL", "AVAX"} <= set(settings.symbols)
    assert settings.market_feed == "simulated"
    intervals = (settings.market_interval, settings.sentiment_interval, settings.signal_interval)
    assert intervals == (2, 10, 15)
    assert settings.simulation_days == 730
    assert settings.signal_timeframe == "1h"


def test_retention_is_by_interval_and_what_is_not_named_stays(tmp_path: Path) -> None:
    def kept(value: str) -> dict[str, float]:
        return load_settings({"CANDLE_RETENTION_DAYS": value}, tmp_path).candle_retention_days

    assert kept("") == {"1m": 90, "5m": 90, "15m": 90}
    assert kept("1m:7, 1h:1000.5") == {"1m": 7, "1h": 1000.5}
    assert kept("none") == {}
    for bad in ("90", "2m:90", "1m:0", "1m:", "1m=90"):
        assert "CANDLE_RETENTION_DAYS" in problems(tmp_path, CANDLE_RETENTION_DAYS=bad)
    assert tuple(INTERVALS) == INTERVAL_NAMES


@pytest.mark.parametrize("exchange", ["binance", "kraken", "coinbase"])
def test_each_exchange_is_a_feed_with_urls_of_its_own(tmp_path: Path, exchange: str) -> None:
    name = exchange.upper()
    settings = load_settings({"MARKET_FEED": exchange}, tmp_path)
    assert settings.market_feed == exchange
    assert getattr(settings, f"{exchange}_ws_url").startswith("wss://")
    assert getattr(settings, f"{exchange}_rest_url").startswith("https://")
    bad = {f"{name}_WS_URL": "https://x", f"{name}_REST_URL": "wss://x"}
    text = problems(tmp_path, **bad)
    assert f"{name}_WS_URL was 'https://x'" in text and f"{name}_REST_URL was 'wss://x'" in text


def test_several_exchanges_are_a_feed_in_order_of_preference(tmp_path: Path) -> None:
    settings = load_settings({"MARKET_FEED": "kraken, binance"}, tmp_path)
    assert settings.market_feed == "kraken,binance"
    for bad in ("kraken,kraken", "binance,simulated", "binance,", ",", "binance,rumours"):
        assert "MARKET_FEED" in problems(tmp_path, MARKET_FEED=bad)


def test_an_empty_variable_counts_as_absent(tmp_path: Path) -> None:
    assert load_settings({"PORT": "", "SYMBOLS": " "}, tmp_path) == load_settings({}, tmp_path)


def test_every_bad_variable_is_named_with_what_it_was_and_what_is_allowed(tmp_path: Path) -> None:
    text = problems(
        tmp_path,
        PORT="70000",
        APP_ENV="staging",
        MARKET_INTERVAL="nan",
        SIGNAL_TIMEFRAME="2h",
        SYMBOLS="btc",
        MARKET_FEED="replay:/no/such/file",
        WEBSOCKET_AUTH_REQUIRED="maybe",
        DATABASE_URL="mysql://x",
        REDIS_URL="nonsense",
        CORS_ORIGINS="example.com",
        LOG_LEVEL="loud",
    )
    lines = text.splitlines()[1:]
    assert {line.split()[0] for line in lines} == {
        "PORT",
        "APP_ENV",
        "MARKET_INTERVAL",
        "SIGNAL_TIMEFRAME",
        "SYMBOLS",
        "MARKET_FEED",
        "WEBSOCKET_AUTH_REQUIRED",
        "DATABASE_URL",
        "REDIS_URL",
        "CORS_ORIGINS",
        "LOG_LEVEL",
    }
    assert all("was" in line and "allowed:" in line for line in lines)
    assert "'70000'" in text and "staging" in text


def test_a_development_secret_is_generated_once_for_its_owner_only(tmp_path: Path) -> None:
    first = load_settings({}, tmp_path / "instance").jwt_secret_key
    assert len(first) >= 32
    assert load_settings({}, tmp_path / "instance").jwt_secret_key == first
    (kept,) = (tmp_path / "instance").iterdir()
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_production_needs_its_own_secret_and_named_origins(tmp_path: Path) -> None:
    assert "JWT_SECRET_KEY was absent" in problems(tmp_path, APP_ENV="production")
    text = problems(tmp_path, APP_ENV="production", JWT_SECRET_KEY="short", CORS_ORIGINS="*")
    assert "JWT_SECRET_KEY was 5 bytes long" in text and "CORS_ORIGINS was '*'" in text
    assert "short" not in text.replace("shorter", "")
    settings = load_settings({"APP_ENV": "production", "JWT_SECRET_KEY": SECRET}, tmp_path)
    assert settings.cors_origins == ()


def test_a_short_secret_is_refused_in_development_too(tmp_path: Path) -> None:
    assert "JWT_SECRET_KEY" in problems(tmp_path, JWT_SECRET_KEY="s" * 31)


def test_keys_of_before_are_as_long_and_not_repeated_in_the_message(tmp_path: Path) -> None:
    old, older = "o" * 32, "p" * 40
    settings = load_settings({"JWT_PREVIOUS_SECRET_KEYS": f" {old}, {older} ,"}, tmp_path)
    assert settings.jwt_previous_secret_keys == (old, older)
    text = problems(tmp_path, JWT_PREVIOUS_SECRET_KEYS=f"{old},tooshort")
    assert "JWT_PREVIOUS_SECRET_KEYS was" in text and "tooshort" not in text and old not in text
    assert "JWT_PREVIOUS" in problems(tmp_path, JWT_PREVIOUS_SECRET_KEYS=",".join([old] * 9))


def test_a_postgres_url_is_taken_in_each_usual_spelling(tmp_path: Path) -> None:
    for url in ("postgres://u@h/d", "postgresql://u@h/d", "postgresql+psycopg2://u@h/d"):
        settings = load_settings({"DATABASE_URL": url}, tmp_path)
        assert settings.database_url == "postgresql+psycopg2://u@h/d"


def test_every_setting_is_described_in_the_example_file(tmp_path: Path) -> None:
    example = (Path(__file__).resolve().parent.parent / ".env.example").read_text()
    lines = [line for line in example.splitlines() if line and not line.startswith("#")]
    environment = dict(line.split("=", 1) for line in lines)
    settings = load_settings(environment, tmp_path)
    assert settings == load_settings({}, tmp_path), "the example shows other defaults"
    assert {name.lower() for name in environment} == set(settings.__slots__)
