"""Symbols come and go while a feed runs, and nobody else's stream is disturbed by it."""

import ssl
import threading
import time
from collections.abc import Callable

import numpy as np
import orjson
import pytest

from backend.clock import MINUTE_MS, SystemClock
from backend.config import load_settings
from backend.feeds import create_listings
from backend.feeds.binance import STREAMS_MAX, BinanceFeed
from backend.feeds.following import CHANGES_AT_ONCE, Following
from backend.feeds.listing import ListingUnavailable
from backend.feeds.replay import ReplayFeed
from backend.feeds.rest import RestClient
from backend.feeds.simulated import SimulatedFeed
from backend.market.market import Market
from backend.market.models import CLOSE, OPEN, OPEN_TIME
from tests.clocks import ManualClock
from tests.feeds.exchange_binance import BINANCE
from tests.feeds.exchange_coinbase import COINBASE
from tests.feeds.exchange_dialect import Dialect
from tests.feeds.exchange_kraken import KRAKEN
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.feed_harness import RunningFeed, keys_of
from tests.feeds.test_fourth import Okx
from tests.feeds.test_replay import candle_lines, write
from tests.servers import wait_until

STAY = ("BTC", "ADA")


@pytest.fixture(params=[BINANCE, KRAKEN, COINBASE, Okx()], ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param


def streams(exchange: ExchangeServer) -> str:
    return " ".join(" ".join(client.streams.copy()) for client in exchange.clients).upper()


def play_until(running: RunningFeed, condition: Callable[[], object], what: str) -> None:
    """Let the exchange go on until something is; its clock too, over pauses between connections."""

    def happened() -> object:
        running.clock.advance(0.5)
        running.exchange.play(2)
        return condition()

    wait_until(happened, what)


@pytest.mark.served
@pytest.mark.usefixtures("nothing_left_behind")
def test_a_symbol_joins_a_running_feed_with_its_history(
    exchange: ExchangeServer, dialect: Dialect
) -> None:
    with RunningFeed(exchange, *STAY) as running:
        market, feed = running.market, running.feed
        running.connected()
        wait_until(lambda: all(streams(exchange).count(symbol) > 1 for symbol in STAY), "both")
        running.play(60)
        market.carry("ETH")
        feed.follow("ETH")
        play_until(running, lambda: streams(exchange).count("ETH") > 1, "the subscription")
        play_until(running, lambda: market.quote("ETH"), "a price")
        play_until(running, lambda: len(market.closed_candles("ETH")) > 600, "its history")
        if dialect.name == "okx":  # which has no way to do it on an open connection
            play_until(running, lambda: feed.counters["renewals"] == 1, "the new connection")
        assert feed.counters["connections"] == 1
        assert feed.counters["connections_lost"] == feed.counters["trade_gaps"] == 0
        played = keys_of(exchange.frames[: exchange.position], dialect)

        def others(keys: list) -> list:
            return list(dict.fromkeys(key for key in keys if key[0] in STAY))

        wait_until(lambda: others(market.trades) == others(played), "each trade of the others")

        def repaired() -> bool:
            running.clock.advance(5)
            exchange.repeat(20)
            return not running.wrong_candles("ETH", exchange.now_ms - 5_000)

        running.play(300)
        wait_until(repaired, "its candles to equal the exchange's")


@pytest.mark.served
@pytest.mark.usefixtures("nothing_left_behind")
def test_a_symbol_leaves_a_running_feed_and_comes_back_with_a_new_connection(
    exchange: ExchangeServer, dialect: Dialect
) -> None:
    with RunningFeed(exchange, *STAY, "ETH") as running:
        market, feed = running.market, running.feed
        running.connected()
        wait_until(lambda: streams(exchange).count("ETH") > 1, "the subscriptions")
        running.play(60)
        feed.unfollow("ETH")
        market.give_up("ETH")
        play_until(running, lambda: "ETH" not in streams(exchange), "the end of its streams")
        running.play(400)
        assert {key[0] for key in market.trades[-100:]} == set(STAY)
        assert feed.counters["unknown_symbol"] == 0
        market.carry("ETH")
        exchange.cut()
        feed.follow("ETH")
        play_until(running, lambda: streams(exchange).count("ETH") > 1, "its streams again")
        play_until(running, lambda: market.quote("ETH"), "a price")


def test_wishes_are_taken_up_in_their_order_and_some_at_a_time() -> None:
    following = Following(["A", "B"])
    for symbol, wanted in (("C", True), ("A", False), ("C", False), ("C", True), ("B", True)):
        following.wish(symbol, wanted)
    assert following.taken_up() == (["C"], ["A"])
    assert following.symbols == ("B", "C") and following.taken_up() == ([], [])
    for number in range(3 * CHANGES_AT_ONCE):
        following.wish(f"N{number}", True)
    following.taken_up()
    subscribed: tuple[str, ...] = ("A", "B")
    steps = 0
    while (after := following.step(subscribed)) != subscribed:
        assert len(set(after) ^ set(subscribed)) <= CHANGES_AT_ONCE
        subscribed, steps = after, steps + 1
    assert sorted(subscribed) == sorted(following.symbols) and steps == 4


@pytest.mark.parametrize(("before", "after"), [(340, 345), (345, 340), (500, 499)])
def test_a_binance_connection_never_has_more_streams_than_it_may(before: int, after: int) -> None:
    symbols = [f"S{number}" for number in range(500)]
    feed = BinanceFeed(symbols[:before], Market(symbols, SystemClock()), "ws://x", "http://x")
    url = feed.stream_url().partition("=")[2].split("/")
    have = {*url, *(each for one in feed.requests() for each in orjson.loads(one)["params"])}
    for request in map(orjson.loads, feed.resubscribe(symbols[:before], symbols[:after])):
        named = set(request["params"])
        have = have - named if request["method"] == "UNSUBSCRIBE" else have | named
        assert len(have) <= STREAMS_MAX
    assert {f"s{after - 1}usdt@trade", f"s{after - 1}usdt@miniTicker"} <= have
    assert len(have) == min(3 * after, STREAMS_MAX)


@pytest.mark.served
@pytest.mark.parametrize("dialect", [BINANCE, KRAKEN, COINBASE], ids=lambda each: each.name)
def test_what_an_exchange_lists_is_told_with_names(
    exchange: ExchangeServer, dialect: Dialect
) -> None:
    def client() -> RestClient:
        return RestClient(exchange.rest_url, SystemClock(), ssl.create_default_context(), ())

    pauses: list[int] = []
    asked = client()
    listed = dialect.feed_class.fetch_listing(asked, lambda: pauses.append(1))
    asked.close()
    named = "BTC coin" if dialect is COINBASE else "Bitcoin"
    assert sorted(listed) == ["ADA", "BTC", "ETH"] and listed["BTC"] == named
    assert pauses
    url = f"{dialect.name.upper()}_REST_URL"
    settings = load_settings(
        {"JWT_SECRET_KEY": "x" * 40, "MARKET_FEED": dialect.name, url: exchange.rest_url}
    )
    for fault in ("503", "garbage", "truncated", "cut", "limit"):
        exchange.rest_faults = [fault] * 2
        with pytest.raises(ListingUnavailable):
            create_listings(settings, SystemClock(), lambda: None).of(dialect.name)
        exchange.rest_faults = []
    assert create_listings(settings, SystemClock(), lambda: None).of(dialect.name).names == listed


@pytest.mark.served
def test_the_simulated_market_takes_in_a_symbol_with_six_days_behind_it() -> None:
    clock = ManualClock()

    def sleep(seconds: float) -> None:
        """So long by the clock, and a moment in which others come to act."""
        clock.advance(seconds)
        time.sleep(0.005)

    market = Market(STAY, clock, "simulated")
    feed = SimulatedFeed(STAY, market, clock, np.random.default_rng(1), sleep)
    thread = threading.Thread(target=feed.run)
    thread.start()

    def others_trade() -> None:
        seqs = {symbol: market.seq(symbol) for symbol in STAY}
        wait_until(lambda: all(market.seq(each) > seqs[each] for each in STAY), "others' trades")

    try:
        wait_until(lambda: market.quote("BTC"), "the market")
        market.carry("SUI")
        feed.follow("SUI")
        feed.follow("SUI")
        wait_until(lambda: market.quote("SUI"), "a price")
        history = market.closed_candles("SUI")
        assert 6 * 24 * 60 * 0.9 < len(history) <= 6 * 24 * 60 + 61
        assert (history[1:, OPEN] / history[:-1, CLOSE] - 1).max() < 0.05
        first_ms = int(history[0, OPEN_TIME])
        assert first_ms % (60 * MINUTE_MS) == 0
        past = feed.past("SUI", "1h", first_ms, 20_000)
        assert len(past) > 17_000 and past[-1, CLOSE] == history[0, OPEN]
        seq = market.seq("SUI")
        wait_until(lambda: market.seq("SUI") > seq, "trades")
        assert market.quote("SUI").price == pytest.approx(history[-1, CLOSE], rel=0.05)
        feed.unfollow("SUI")
        market.give_up("SUI")
        others_trade()
        dropped = market.drops["unknown_symbol"]
        others_trade()
        assert market.drops["unknown_symbol"] == dropped
        assert all(abs(market.quote(each).change_24h) < 60 for each in STAY)
    finally:
        feed.stop()
        thread.join()


@pytest.mark.served
def test_a_recording_gives_a_symbol_what_was_played_of_it(tmp_path) -> None:
    for symbol in ("BTC", "SUI"):
        write(tmp_path / f"{symbol}.csv", candle_lines(600))
    market = Market(["BTC"], SystemClock(), "replay")
    feed = ReplayFeed(tmp_path, market, SystemClock(), speed=20_000.0)
    thread = threading.Thread(target=feed.run)
    thread.start()
    try:
        wait_until(lambda: len(market.closed_candles("BTC")) > 100, "a part")
        market.carry("SUI")
        feed.follow("SUI")
        wait_until(lambda: market.feed_state.state == "ended", "the end")
        wait_until(lambda: len(market.closed_candles("SUI")) >= 595, "what was played")
        wanted, found = market.closed_candles("BTC"), market.closed_candles("SUI")
        assert set(found[:, OPEN_TIME]) <= set(wanted[:, OPEN_TIME])
        assert found[0, OPEN_TIME] == wanted[0, OPEN_TIME]
    finally:
        feed.stop()
        thread.join()
