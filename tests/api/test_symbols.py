"""`/api/market/symbols`: searched, added to, kept, and given up again, on real servers."""

import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.conftest import Connect, StartServer
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.sample_frames import sample_frames
from tests.servers import Server, adjusted, bearer, wait_until
from tests.symbol_calls import add, served

QUICK = {"MARKET_INTERVAL": "0.2", "SIGNAL_INTERVAL": "1", "SENTIMENT_INTERVAL": "1"}
# The promise to a user; a test waits longer before it fails, since the machine may be loaded.
FIRST_TICK_SECONDS = 5.0


def found(server: Server, text: str) -> list[dict[str, Any]]:
    return list(server.get("/api/market/symbols", params={"search": text}).json()["symbols"])


def code(answer: requests.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def simulated(start_server: StartServer) -> Server:
    return start_server(**QUICK, SYMBOLS="BTC,ETH")


def test_a_search_finds_by_symbol_and_by_name_and_says_what_is_followed(simulated: Server) -> None:
    assert found(simulated, "sui")[0] == {
        "symbol": "SUI",
        "name": "Sui",
        "price_decimals": None,
        "day_span_seconds": None,
        "source": "simulated",
        "followed": False,
    }
    (bitcoin,) = [each for each in found(simulated, "bitcoin") if each["symbol"] == "BTC"]
    assert bitcoin["followed"] and bitcoin["price_decimals"] == 2
    assert found(simulated, "no such thing") == []
    assert served(simulated) == ["BTC", "ETH"]


def test_an_added_symbol_ticks_with_history_behind_it_and_disturbs_nobody(
    simulated: Server, connect: Connect
) -> None:
    others = connect(to=simulated)
    others.ack("subscribe", {"symbols": ["BTC", "ETH"]})
    first = others.wait("market_update")
    user = connect(to=simulated)
    began = time.monotonic()
    answer = add(simulated, "SUI")
    assert answer.status_code == 201 and answer.json()["name"] == "Sui"
    assert user.ack("subscribe", {"symbols": ["SUI"], "candles": ["1m"]})["symbols"] == ["SUI"]
    quote = user.wait("market_update", lambda quotes: "SUI" in quotes)["SUI"]
    assert quote["source"] == "simulated" and not quote["stale"]
    took_s = time.monotonic() - began
    minutes = simulated.get("/api/market/candles?symbol=SUI&limit=1500").json()["candles"]
    assert len(minutes) > 1_000
    assert user.wait("trading_signal")["symbol"] == "SUI"
    assert add(simulated, "SUI").status_code == 200
    assert simulated.get("/api/ratings?symbol=SUI").json()["ratings"]["1h"] is not None
    wait_until(lambda: "SUI" in [each["symbol"] for each in forecasts(simulated)], "its forecast")
    for symbol in ("BTC", "ETH"):
        seq = first[symbol]["seq"]
        others.wait("market_update", lambda told, one=symbol, seq=seq: told[one]["seq"] > seq)
    ticks = others.all("market_update")
    assert all(set(quotes) == {"BTC", "ETH"} for quotes in ticks)
    for symbol in ("BTC", "ETH"):
        seqs = [quotes[symbol]["seq"] for quotes in ticks]
        assert seqs == sorted(seqs)
        assert not any(quotes[symbol]["stale"] for quotes in ticks)
    assert simulated.metric('crs_symbols{kind="added"}') == 1
    assert took_s < FIRST_TICK_SECONDS * 4, f"the first tick took {took_s:.1f} s"


def forecasts(server: Server) -> list[dict[str, Any]]:
    return list(server.get("/api/forecast").json()["forecasts"])


def test_sentiment_stays_that_of_the_configured_symbols(
    simulated: Server, connect: Connect
) -> None:
    client = connect(to=simulated)
    client.wait("sentiment_update")
    add(simulated, "PEPE")
    client.ack("subscribe", {"symbols": ["PEPE"]})
    client.wait("trading_signal", lambda signal: signal["symbol"] == "PEPE")
    mood = client.wait("sentiment_update")
    assert "PEPE" not in mood["trending_topics"] and mood["confidence"] > 0


def test_what_can_not_be_added_is_refused_with_a_code(simulated: Server) -> None:
    assert code(simulated.post("/api/market/symbols", {"symbol": "SUI"})) == (401, "token_missing")
    assert code(add(simulated, "NOPE")) == (404, "not_listed")
    for bad in ("", "sui", "A" * 16, "BTC\n", "SUI'--", "\u0000", "ＳＵＩ", 5, None, ["SUI"], {}):
        assert code(add(simulated, bad)) == (400, "validation_failed"), bad
    headers = bearer(simulated.token)
    for body in ([], "SUI", {}, {"symbol": "SUI", "more": 1}):
        answer = simulated.post("/api/market/symbols", body, headers=headers)
        assert answer.status_code == 400, body
    assert code(simulated.get("/api/market/symbols?search=" + "x" * 100))[0] == 400
    for odd in ("%00", "%F0%9F%A6%84", "'; DROP TABLE", "\\", ".*", "%"):
        assert found(simulated, odd) == []
    assert served(simulated) == ["BTC", "ETH"]


def test_a_user_and_the_server_have_bounds(start_server: StartServer) -> None:
    server = start_server(**QUICK, SYMBOLS="BTC", SYMBOLS_ADDED_PER_USER="2", SYMBOLS_ADDED_MAX="3")
    tokens = [server.new_login()["access_token"] for _ in range(2)]
    assert [add(server, symbol, tokens[0]).status_code for symbol in ("SUI", "TON")] == [201, 201]
    assert code(add(server, "SEI", tokens[0])) == (429, "too_many_symbols")
    assert add(server, "SUI", tokens[1]).status_code == 200
    assert add(server, "SEI", tokens[1]).status_code == 201
    assert code(add(server, "WIF", tokens[1])) == (429, "too_many_symbols")
    assert served(server) == ["BTC", "SUI", "TON", "SEI"]
    assert server.metric('crs_refusals_total{limit="symbols_per_user"}') == 1
    assert server.metric('crs_refusals_total{limit="symbols_per_server"}') == 1


def test_many_who_add_at_once_never_pass_the_bound(start_server: StartServer) -> None:
    server = start_server(**QUICK, SYMBOLS="BTC", SYMBOLS_ADDED_PER_USER="4")
    wanted = [each["symbol"] for each in found(server, "e")][:10]
    statuses: list[int] = []
    threads = [
        threading.Thread(
            target=lambda symbol=symbol: statuses.append(add(server, symbol).status_code)
        )
        for symbol in wanted
        if symbol != "BTC"
    ]
    server.token  # noqa: B018 - made before, so that all threads have the same
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses.count(201) == 4 and set(statuses) == {201, 429}
    assert len(served(server)) == 5


def test_a_restart_and_a_kill_keep_what_was_added(start_server: StartServer) -> None:
    server = start_server(**QUICK, SYMBOLS="BTC")
    database = server.environment["DATABASE_URL"]
    assert add(server, "SUI").status_code == 201
    server.process.kill()
    server.process.wait()
    again = start_server(**QUICK, SYMBOLS="BTC", DATABASE_URL=database)
    assert served(again) == ["BTC", "SUI"]
    wait_until(lambda: again.get("/api/market/quotes?symbols=SUI").json()["quotes"], "its quote")
    assert len(again.get("/api/market/candles?symbol=SUI&limit=1500").json()["candles"]) > 1_000


# An added symbol is kept for two seconds in place of a day, and looked at five times in one.
QUICK_DAYS = adjusted(
    {
        "backend.streaming.added_symbols.KEPT_MS": 2_000,
        "backend.streaming.added_symbols.NOTE_MS": 200,
        "backend.assembly.symbols.LOOK_SECONDS": 0.2,
    }
)


def test_what_nobody_watches_goes_and_who_still_has_it_is_told(
    start_server: StartServer, connect: Connect
) -> None:
    server = start_server(**QUICK_DAYS, **QUICK, SYMBOLS="BTC")
    for symbol in ("SUI", "TON"):
        assert add(server, symbol).status_code == 201
    client = connect(to=server, auth={"token": server.token})
    client.ack("subscribe", {"symbols": ["BTC", "SUI"]})
    client.wait("market_update", lambda quotes: "SUI" in quotes)
    # A day takes two seconds there; who is watched is still there after several.
    wait_until(lambda: "TON" not in served(server), "the end of what nobody watched")
    time.sleep(6)
    assert served(server) == ["BTC", "SUI"]
    assert code(server.get("/api/market/quotes?symbols=TON")) == (400, "unknown_symbol")
    assert client.ack("subscribe", {"symbols": ["TON"]})["rejected"][0]["code"] == "unknown_symbol"
    client.ack("unsubscribe", {"symbols": ["SUI"]})
    wait_until(lambda: served(server) == ["BTC"], "the end of what nobody watches any more")
    heard = len(client.all("market_update"))
    wait_until(lambda: len(client.all("market_update")) > heard + 5, "ticks that go on")
    assert server.metric('crs_task_errors_total{task="symbols"}') == 0


@pytest.fixture
def exchange() -> Iterator[ExchangeServer]:
    with ExchangeServer(sample_frames(minutes=30), speed=1.0) as running:
        yield running


def test_on_an_exchange_a_symbol_begins_on_the_open_connection(
    start_server: StartServer, connect: Connect, exchange: ExchangeServer
) -> None:
    server = start_server(
        **QUICK,
        SYMBOLS="BTC",
        MARKET_FEED="binance",
        BINANCE_WS_URL=exchange.ws_url,
        BINANCE_REST_URL=exchange.rest_url,
    )
    client = connect(to=server)
    client.ack("subscribe", {"symbols": ["BTC"]})
    client.wait("market_update", lambda quotes: "BTC" in quotes)
    assert {each["symbol"] for each in found(server, "E")} == {"ETH"}
    assert add(server, "ETH").status_code == 201
    client.ack("subscribe", {"symbols": ["ETH"]})
    quotes = client.wait("market_update", lambda quotes: "ETH" in quotes)
    assert quotes["ETH"]["source"] == "binance"
    rows = "/api/market/candles?symbol=ETH&limit=1500"
    wait_until(lambda: len(server.get(rows).json()["candles"]) > 1_000, "its history")
    assert len(exchange.upgrades) == 1, "nobody else's stream was touched"
    assert code(add(server, "GONE")) == (404, "not_listed")


def test_while_the_exchange_is_away_a_search_says_so(
    start_server: StartServer, exchange: ExchangeServer
) -> None:
    exchange.rest_faults = ["503"] * 1_000
    server = start_server(
        **QUICK,
        SYMBOLS="BTC",
        MARKET_FEED="binance",
        BINANCE_WS_URL=exchange.ws_url,
        BINANCE_REST_URL=exchange.rest_url,
    )
    assert code(server.get("/api/market/symbols?search=eth")) == (503, "unavailable")
    assert code(add(server, "ETH")) == (503, "unavailable")
    assert served(server) == ["BTC"]
