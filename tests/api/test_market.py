"""What a page paints first, over REST."""

from datetime import datetime
from itertools import pairwise

import pytest
import requests

from backend.market.candles import INTERVALS
from backend.protocol import BOOK_FIELDS, QUOTE_FIELDS
from tests.conftest import SHARED_SYMBOLS, StartServer
from tests.servers import Server, wait_until


def test_symbols_are_listed_with_the_precision_of_their_price(server: Server) -> None:
    answer = server.get("/api/market/symbols").json()
    listed = {entry["symbol"]: entry["price_decimals"] for entry in answer["symbols"]}
    assert tuple(listed) == SHARED_SYMBOLS
    assert listed["BTC"] == 2 and listed["ADA"] == 6
    assert answer["intervals"] == ["1m", "5m", "15m", "1h", "4h", "1d"]
    assert answer["feed"] == "simulated" and answer["feed_status"]["state"] == "live"
    assert {entry["day_span_seconds"] for entry in answer["symbols"]} == {86_400}


def test_quotes_are_those_of_the_stream(server: Server) -> None:
    quotes = server.get("/api/market/quotes?symbols=BTC,ADA").json()["quotes"]
    assert set(quotes) == {"BTC", "ADA"}
    assert set(quotes["BTC"]) == set(QUOTE_FIELDS) - set(BOOK_FIELDS)
    assert len(server.get("/api/market/quotes").json()["quotes"]) == len(SHARED_SYMBOLS)


@pytest.mark.parametrize("interval", INTERVALS)
def test_candles_of_every_interval_are_consistent_and_in_order(
    interval: str, server: Server
) -> None:
    path = f"/api/market/candles?symbol=ETH&interval={interval}&limit=100"
    answer = server.get(path).json()
    assert (answer["symbol"], answer["interval"]) == ("ETH", interval)
    candles = answer["candles"]
    assert 1 < len(candles) <= 100
    times = [candle["time"] for candle in candles]
    assert times == sorted(set(times))
    for candle in candles:
        low, high = candle["low"], candle["high"]
        assert low <= min(candle["open"], candle["close"])
        assert high >= max(candle["open"], candle["close"])
        assert candle["volume"] >= 0 and candle["quote_volume"] >= 0


@pytest.mark.parametrize("interval", INTERVALS)
def test_pages_before_one_another_are_one_series(interval: str, server: Server) -> None:
    path = f"/api/market/candles?symbol=ETH&interval={interval}"
    days = "/api/market/candles?symbol=ETH&interval=1d&limit=1500"
    wait_until(lambda: len(server.get(days).json()["candles"]) > 700, "the past")
    newest = server.get(f"{path}&limit=190").json()["candles"]
    cut = newest[-1]["time"]
    pages: list[dict] = []
    while len(pages) < 170:
        page = server.get(f"{path}&limit=40&before={cut}").json()["candles"]
        if not page:
            break
        assert page[-1]["time"] < cut
        pages, cut = [*page, *pages], page[0]["time"]
    # A candle may have closed in the meantime; those that had are the same.
    assert pages[-150:] == newest[:-1][-150:]
    milliseconds = int(datetime.fromisoformat(newest[-1]["time"]).timestamp() * 1000)
    by_number = server.get(f"{path}&limit=5&before={milliseconds}").json()["candles"]
    assert by_number == pages[-5:]


def test_csv_has_the_same_candles_and_may_have_more(server: Server) -> None:
    path = "/api/market/candles?symbol=ETH&interval=1h"
    wait_until(lambda: len(server.get(f"{path}&limit=1500").json()["candles"]) == 1500, "the past")
    before = server.get(f"{path}&limit=1").json()["candles"][0]["time"]
    json = server.get(f"{path}&limit=1500&before={before}").json()["candles"]
    answer = server.get(f"{path}&limit=5000&before={before}&format=csv", stream=True)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Transfer-Encoding"] == "chunked"
    header, *lines = answer.text.splitlines()
    assert header == "open_time_ms,open,high,low,close,volume,quote_volume"
    assert len(lines) == 5000
    rows = [list(map(float, line.split(","))) for line in lines]
    assert all(later[0] - row[0] == 3_600_000 for row, later in pairwise(rows))
    for row, candle in zip(rows[-1500:], json, strict=True):
        assert row[0] == datetime.fromisoformat(candle["time"]).timestamp() * 1000
        assert row[1:] == [candle[name] for name in header.split(",")[1:]]


def test_the_last_candle_is_the_forming_one(server: Server) -> None:
    quote = server.get("/api/market/quotes?symbols=BTC").json()["quotes"]["BTC"]
    candle = server.get("/api/market/candles?symbol=BTC&limit=1").json()["candles"][-1]
    assert candle["time"][:16] >= quote["timestamp"][:16]


def test_sentiment_and_signals_are_the_latest_first(server: Server) -> None:
    sentiment = server.get("/api/sentiment").json()
    assert 0 <= sentiment["latest"]["market_fear_greed"] <= 100
    assert sentiment["latest"] in sentiment["history"]
    server.wait_for_signals(["BTC"])
    signals = server.get("/api/signals?limit=500").json()["signals"]
    for symbol in {signal["symbol"] for signal in signals}:
        # Symbols that are published together are of slightly different instants.
        times = [signal["timestamp"] for signal in signals if signal["symbol"] == symbol]
        assert times == sorted(times, reverse=True)
    own = server.get("/api/signals?symbol=BTC&limit=3").json()["signals"]
    assert 1 <= len(own) <= 3
    assert {signal["symbol"] for signal in own} == {"BTC"}


def test_forecast_ranges_lie_within_one_another_and_show_their_coverage(server: Server) -> None:
    # They are read from the history in the first seconds of the process.
    ready = wait_until(
        lambda: (
            len((answer := server.get("/api/forecast").json())["forecasts"]) == len(SHARED_SYMBOLS)
            and answer
        ),
        "the forecasts of all symbols",
    )
    assert ready["model"]
    for forecast in ready["forecasts"]:
        for horizon in ("1h", "24h"):
            (low, high), (lowest, highest) = (forecast["ranges"][horizon][p] for p in ("50", "90"))
            assert 0 < lowest < low < forecast["price"] < high < highest
        assert forecast["ranges"]["1h"]["90"][0] > forecast["ranges"]["24h"]["90"][0]
    for levels in ready["coverage"].values():
        for tally in levels.values():
            assert 0 < tally["hits"] <= tally["total"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/market/quotes?symbols=btc",
        "/api/market/quotes?symbols=BTC,%00",
        "/api/market/candles",
        "/api/market/candles?symbol=ZZZ",
        "/api/market/candles?symbol=BTC&interval=2m",
        "/api/market/candles?symbol=BTC&limit=0",
        "/api/market/candles?symbol=BTC&limit=1501",
        "/api/market/candles?symbol=BTC&limit=x",
        "/api/market/candles?symbol=BTC&limit=%C2%B2",
        "/api/market/candles?symbol=BTC&before=",
        "/api/market/candles?symbol=BTC&before=0",
        "/api/market/candles?symbol=BTC&before=-1",
        "/api/market/candles?symbol=BTC&before=99999999999999999999",
        "/api/market/candles?symbol=BTC&before=yesterday",
        "/api/market/candles?symbol=BTC&before=2026-01-01T00:00:00",
        "/api/market/candles?symbol=BTC&format=xml",
        "/api/market/candles?symbol=BTC&format=csv&limit=100001",
        "/api/signals?symbol=ZZZ",
        "/api/signals?limit=-1",
    ],
)
def test_a_query_that_cannot_be_used_is_refused_in_the_one_shape(path: str, server: Server) -> None:
    answer = server.get(path)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["code"] in ("unknown_symbol", "validation_failed") and error["message"]


def test_an_unknown_path_of_the_api_is_not_the_page(server: Server) -> None:
    answer = server.get("/api/no/such/thing")
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "not_found"


def test_public_calls_are_limited_and_the_health_check_is_not(start_server: StartServer) -> None:
    server = start_server()
    with requests.Session() as session:
        # Two windows' worth, so that it does not matter where in a minute this begins.
        answers = (session.get(f"{server.url}/api/signals?limit=1") for _ in range(2_500))
        refused = next((answer for answer in answers if answer.status_code != 200), None)
        assert refused is not None and refused.status_code == 429
        assert refused.json()["error"]["code"] == "rate_limited"
        assert int(refused.headers["Retry-After"]) >= 1
        assert session.get(f"{server.url}/health").status_code == 200
