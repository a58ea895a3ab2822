"""Real servers: an exchange's past, what was missed, a recording, and several processes."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import StartServer
from tests.feeds.exchange_klines import INTERVALS, longer
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.failover_stage import DEAR_KRAKEN
from tests.feeds.sample_frames import START_MS, sample_frames
from tests.redis_server import Redis
from tests.servers import SHARED_DATA, Server, wait_until

MINUTE_MS = 60_000
FIRST_MINUTE = START_MS - START_MS % MINUTE_MS
PAST_MINUTES = 20 * 1_440
WEEK = SHARED_DATA / "candles" / "BTC-USDT-1m-2021-02-19-week.csv.gz"


def candles(server: Server, interval: str, symbol: str = "BTC") -> dict[int, list[float]]:
    """All that there are, by open time, but for the newest: page by page."""
    found: dict[int, list[float]] = {}
    path, before = f"/api/market/candles?symbol={symbol}&interval={interval}&limit=1500", ""
    while page := server.get(path + before).json()["candles"]:
        for candle in page:
            instant, *numbers = candle.values()
            found[round(datetime.fromisoformat(instant).timestamp() * 1000)] = numbers
        before = f"&before={page[0]['time']}"
    found.pop(max(found, default=0), None)
    return found


def wrong(server: Server, exchange: ExchangeServer, interval: str, since_ms: int) -> list[int]:
    """The candles from then on that are not those of the exchange."""
    rows = longer(exchange.klines.rows("BTC", exchange.now_ms), interval)
    theirs = {row[0]: [float(field) for field in row[1:7]] for row in rows[:-1]}
    ours = candles(server, interval)
    return [
        at
        for at in sorted({*ours, *theirs})
        if at >= since_ms and ours.get(at) != pytest.approx(theirs.get(at))
    ]


@pytest.fixture
def exchange() -> Iterator[ExchangeServer]:
    with ExchangeServer(sample_frames(), history_minutes=PAST_MINUTES) as server:
        yield server


def test_an_exchanges_past_is_there_and_what_a_killed_server_missed(
    exchange: ExchangeServer, start_server: StartServer, tmp_path: Path
) -> None:
    options = {
        "MARKET_FEED": "binance",
        "BINANCE_WS_URL": exchange.ws_url,
        "BINANCE_REST_URL": exchange.rest_url,
        "SYMBOLS": "BTC",
        "DATABASE_URL": f"sqlite:///{tmp_path}/crs.db",
    }
    begin = FIRST_MINUTE - PAST_MINUTES * MINUTE_MS
    reach = {"1d": begin, "1h": begin, "1m": FIRST_MINUTE - 7 * 1_440 * MINUTE_MS}
    first = start_server(**options)
    wait_until(lambda: exchange.clients, "the feed to connect")
    exchange.play_until(FIRST_MINUTE + MINUTE_MS + 6_000)
    for interval in INTERVALS:
        wait_until(
            lambda interval=interval: not wrong(first, exchange, interval, reach[interval]),
            f"the past of {interval}",
        )
    asked = len(exchange.rest_queries)
    first.process.kill()
    first.process.wait()
    exchange.play_until(FIRST_MINUTE + 3 * MINUTE_MS)  # nobody listens
    second = start_server(**options)
    wait_until(lambda: exchange.clients, "the feed to connect again")
    exchange.play(len(exchange.frames))
    for interval in INTERVALS:
        wait_until(
            lambda interval=interval: not wrong(second, exchange, interval, reach[interval]),
            f"the gap of {interval}",
        )
    # The past is not asked for again.
    again = exchange.rest_queries[asked:]
    assert {query["interval"] for query in again} == {"1m"}
    assert all(int(query.get("endTime", FIRST_MINUTE)) > begin for query in again)


def test_of_several_exchanges_each_has_its_own_candles_and_finds_them_again(
    exchange: ExchangeServer, start_server: StartServer, tmp_path: Path
) -> None:
    with ExchangeServer(sample_frames(seed=2, dialect=DEAR_KRAKEN), dialect=DEAR_KRAKEN) as kraken:
        options = {
            "MARKET_FEED": "binance,kraken",
            "BINANCE_WS_URL": exchange.ws_url,
            "BINANCE_REST_URL": exchange.rest_url,
            "KRAKEN_WS_URL": kraken.ws_url,
            "KRAKEN_REST_URL": kraken.rest_url,
            "SYMBOLS": "BTC",
            "DATABASE_URL": f"sqlite:///{tmp_path}/crs.db",
        }
        days = FIRST_MINUTE - PAST_MINUTES * MINUTE_MS
        week = FIRST_MINUTE - 7 * 1_440 * MINUTE_MS
        # What Kraken gives, but for some that the test takes.
        half_a_day = FIRST_MINUTE - (12 * 60 - 5) * MINUTE_MS

        def shows(server: Server, shown: ExchangeServer, minute: int, **since_ms: int) -> None:
            # One that plays nothing is silent, and gives way.
            def leads() -> bool:
                shown.play()
                feed = server.get("/health").json()["feed"]
                return bool((feed["name"], feed["state"]) == (shown.dialect.name, "live"))

            def right(interval: str, since: int) -> bool:
                shown.play()
                return not wrong(server, shown, interval, since)

            wait_until(leads, f"{shown.dialect.name} to lead")
            shown.play_until(FIRST_MINUTE + minute * MINUTE_MS + 6_000)
            for interval, name in (("1h", "hours"), ("1m", "minutes")):
                since = since_ms.get(name, FIRST_MINUTE)
                wait_until(partial(right, interval, since), f"its {name}")

        first = start_server(**options)
        shows(first, exchange, 1, hours=days, minutes=week)
        exchange.refusals = [451] * 100_000
        exchange.cut()
        shows(first, kraken, 1, minutes=half_a_day)
        assert min(candles(first, "1m")) >= half_a_day - 5 * MINUTE_MS
        first.process.kill()
        first.process.wait()
        exchange.refusals, asked = [], len(exchange.rest_queries)
        second = start_server(**options)
        shows(second, exchange, 2, hours=days, minutes=week)
        assert {query["interval"] for query in exchange.rest_queries[asked:]} == {"1m"}


@pytest.mark.skipif(not WEEK.exists(), reason="the shared recordings are not here")
def test_all_of_a_recording_that_was_played_can_be_read(start_server: StartServer) -> None:
    server = start_server(MARKET_FEED=f"replay:{WEEK}", REPLAY_SPEED="1000000", SYMBOLS="BTC")
    wait_until(lambda: server.get("/health").json()["feed"]["state"] == "ended", "the end")
    minutes = wait_until(
        lambda: len(found := candles(server, "1m")) >= 10_079 and found, "all of its minutes"
    )
    assert len(minutes) == 10_079
    assert len(candles(server, "1h")) == 167


def test_of_several_processes_one_writes_and_all_read(
    redis_server: Redis, start_server: StartServer, tmp_path: Path
) -> None:
    options = {"REDIS_URL": redis_server.url, "DATABASE_URL": f"sqlite:///{tmp_path}/crs.db"}
    servers = [start_server(**options) for _ in range(2)]
    days = "/api/market/candles?symbol=ETH&interval=1d&limit=1500"
    for server in servers:
        wait_until(lambda server=server: len(server.get(days).json()["candles"]) > 700, "the years")
    stored = [server.metric("crs_candles_stored_total") for server in servers]
    assert sorted(map(bool, stored)) == [False, True]
    leader, follower = sorted(servers, key=lambda s: -s.metric("crs_candles_stored_total"))
    before = candles(leader, "1m", "ETH")
    leader.process.kill()
    leader.process.wait()
    wait_until(lambda: follower.metric("crs_candles_stored_total"), "the other to write")
    after = candles(follower, "1m", "ETH")
    times = sorted(after)
    assert {later - time for time, later in zip(times, times[1:], strict=False)} == {MINUTE_MS}
    assert all(after[at] == before[at] for at in before)
