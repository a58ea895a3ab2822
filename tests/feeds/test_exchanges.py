"""What every exchange's feed promises about trouble, against a local exchange of each."""

import threading

import pytest

from backend.market.models import FeedState
from tests.feeds.exchange_binance import BINANCE
from tests.feeds.exchange_coinbase import COINBASE
from tests.feeds.exchange_dialect import Dialect
from tests.feeds.exchange_kraken import KRAKEN
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.feed_harness import RunningFeed, keys_of
from tests.feeds.sample_frames import HALF_SPREAD, START_MS, sample_frames
from tests.servers import PATIENCE, wait_until

pytestmark = [pytest.mark.served, pytest.mark.usefixtures("nothing_left_behind")]

MINUTE_MS = 60_000
FIRST_MINUTE = START_MS - START_MS % MINUTE_MS
SYMBOLS = ("BTC", "ETH", "ADA")


@pytest.fixture(params=[BINANCE, KRAKEN, COINBASE], ids=lambda dialect: dialect.name)
def dialect(request: pytest.FixtureRequest) -> Dialect:
    return request.param


def subscribed(exchange: ExchangeServer) -> bool:
    """Whether somebody gets the trades and the tickers of all three symbols."""
    names = [" ".join(client.streams.copy()).upper() for client in exchange.clients]
    return any(all(streams.count(symbol) >= 2 for symbol in SYMBOLS) for streams in names)


def assert_equal_to_the_exchanges(running: RunningFeed, until_ms: int) -> None:
    for symbol in running.market.symbols:
        wait_until(
            lambda symbol=symbol: not running.wrong_candles(symbol, until_ms),
            f"candles of {symbol} to equal the exchange's",
        )


def test_the_market_gets_what_the_frames_say(exchange: ExchangeServer, dialect: Dialect) -> None:
    with RunningFeed(exchange) as running:
        running.connected()
        wait_until(lambda: subscribed(exchange), "the subscriptions")
        running.play(len(exchange.frames))
        assert running.market.trades == keys_of(exchange.frames, dialect)
        last = {key[0]: key for key in running.market.trades}
        for symbol in SYMBOLS:
            quote = running.market.quote(symbol)
            assert quote.source == dialect.name
            assert quote.price == last[symbol][2]
            assert abs(quote.change_24h) < 2 and quote.volume_24h > 1e7
            assert quote.bid < quote.ask
            middle = (quote.bid + quote.ask) / 2
            assert quote.ask - quote.bid == pytest.approx(2 * HALF_SPREAD * middle, rel=1e-3)
        assert not running.feed.counters["bad_message"]


def test_candles_equal_the_exchanges_through_all_kinds_of_trouble(
    exchange: ExchangeServer, dialect: Dialect
) -> None:
    """Three cuts, with a limit, a 451 and lost trades, a stall, garbage on both sides."""
    part = len(exchange.frames) // 8
    # The clock of the test runs ahead of the exchange's, which costs some of the past.
    reach = (12 if dialect is KRAKEN else 48) * 60 - 20
    may_return = threading.Event()
    may_return.set()
    with RunningFeed(exchange, pause=lambda _: may_return.wait(PATIENCE)) as running:
        connections = 0

        def hear(count: int) -> None:
            nonlocal connections
            connections += 1
            running.connected(connections)
            wait_until(lambda: subscribed(exchange), "the subscriptions")
            running.play(count)
            wait_until(lambda: running.state is FeedState.LIVE, "the feed to be live")

        exchange.rest_faults = ["limit", "451", "garbage", "lies", "503"]
        hear(part)
        for refusal in (429, 451, 503):
            may_return.clear()
            exchange.cut()
            exchange.play(part // 4)  # nobody listens to these
            exchange.refusals = [refusal, refusal]
            wait_until(lambda: running.state is FeedState.RECONNECTING, "the loss to be seen")
            may_return.set()
            wait_until(lambda: not exchange.refusals, "the refusals to be over")
            hear(part)
            for garbage in ("garbage", "[]", "17", '{"channel":"trade"}', '{"type":"match"}'):
                exchange.clients[0].offer(garbage)
        exchange.stall()
        exchange.play(part // 4)
        running.clock.advance(61)
        wait_until(lambda: running.feed.counters["freezes"] == 1, "the freeze to be seen")
        hear(part)
        exchange.rest_faults = ["limit"]
        running.play(len(exchange.frames))
        assert running.feed.counters["connections_lost"] == 4 + 6  # the refused ones too
        assert running.feed.counters["rest_limited"] >= 1

        def repaired() -> bool:
            running.clock.advance(5)  # over the pause that a limit asks for
            exchange.repeat(20)
            return all(
                len(running.market.closed_candles(symbol)) >= reach
                and not running.wrong_candles(symbol, exchange.now_ms - 5_000)
                for symbol in SYMBOLS
            )

        wait_until(repaired, "all candles to equal the exchange's")
        played = set(keys_of(exchange.frames, dialect))
        assert set(running.market.trades) <= played
        assert not set(running.market.drops) - {"duplicate", "out_of_order"}


def test_trades_lost_without_a_cut_are_noticed_and_repaired(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange) as running:
        running.connected()
        wait_until(lambda: subscribed(exchange), "the subscriptions")
        exchange.play_until(FIRST_MINUTE + MINUTE_MS + 6_000)
        assert_equal_to_the_exchanges(running, FIRST_MINUTE + MINUTE_MS)
        before = running.feed.counters["trade_gaps"]
        exchange.stall()
        exchange.play(200)
        exchange.stall(False)
        running.play(100)
        wait_until(lambda: running.feed.counters["trade_gaps"] >= before + 3, "the gaps")
        exchange.play_until(FIRST_MINUTE + 2 * MINUTE_MS + 6_000)
        assert_equal_to_the_exchanges(running, FIRST_MINUTE + 2 * MINUTE_MS)


def test_a_symbol_that_is_not_listed_is_named_and_harms_no_other(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange, "NOSUCH", *SYMBOLS) as running:
        running.connected()
        wait_until(lambda: subscribed(exchange), "the subscriptions")
        running.play(300)
        wait_until(lambda: running.market.feed_facts.unlisted == ("NOSUCH",), "the facts")
        wait_until(lambda: "not listed: NOSUCH" in running.detail, "the news")
        for _ in range(20):
            running.clock.advance(5)
            running.play(20)
        assert running.feed.counters["connections"] == 1
        assert running.feed.counters["silent_symbols"] == 0


def test_a_symbol_that_comes_to_be_listed_is_subscribed_to(dialect: Dialect) -> None:
    frames = sample_frames(dialect=dialect)
    with ExchangeServer(frames, dialect=dialect) as exchange:
        late = exchange.klines._minutes.pop("ADA")
        with RunningFeed(exchange) as running:
            running.connected()
            wait_until(lambda: running.market.feed_facts.unlisted == ("ADA",), "the facts")
            exchange.frames = [frame for frame in frames if "ADA" not in frame[1]]
            running.play(300)
            exchange.klines._minutes["ADA"] = late
            running.clock.advance(3_601)

            def subscribed_anew() -> bool:
                running.clock.advance(1)
                exchange.play(1)
                newest = [client.streams for client in exchange.clients[-1:]]
                return (
                    len(exchange.upgrades) > 1
                    and running.market.feed_facts.unlisted == ()
                    and any("ADA" in stream.upper() for streams in newest for stream in streams)
                )

            wait_until(subscribed_anew, "the subscription")


def test_a_connection_come_of_age_is_renewed_without_a_gap(
    exchange: ExchangeServer, dialect: Dialect
) -> None:
    early = type("Early", (dialect.feed_class,), {"renew_after_s": 8.0})
    with RunningFeed(exchange, feed_class=early) as running:
        running.connected()
        wait_until(lambda: subscribed(exchange), "the subscriptions")
        running.play(200)
        for _ in range(3):
            running.clock.advance(4)
            running.play(50)
        running.renewed()
        exchange.play(100)
        expected = keys_of(exchange.frames[: exchange.position], dialect)
        wait_until(lambda: expected[-1] in running.market.trades, "the newest trade")
        # Of those that came over both connections, in whatever order, the market counted one.
        assert set(running.market.trades) == set(expected)
        assert not running.feed.counters["trade_gaps"]
        assert not running.feed.counters["connections_lost"]
        wait_until(lambda: len(exchange.clients) == 1, "the old connection to be closed")


def test_history_is_asked_for_within_the_exchanges_limits(dialect: Dialect) -> None:
    """The feed as it is used, and not its quick double of the other tests."""
    real = next(
        base for base in dialect.feed_class.__mro__ if base.__module__.startswith("backend.")
    )
    limits = {"binance": (20, 100.0), "kraken": (2, 1.0), "coinbase": (12, 10.0)}
    with ExchangeServer(sample_frames(1.0, dialect=dialect), dialect=dialect) as exchange:
        exchange.rest_limit = limits[dialect.name]
        with RunningFeed(exchange, feed_class=real) as running:
            running.connected()
            exchange.play(100)
            for symbol in SYMBOLS:
                wait_until(
                    lambda symbol=symbol: len(running.market.closed_candles(symbol)) >= 700,
                    f"the history of {symbol}",
                )
            assert exchange.rest_limited == 0


def test_the_lag_of_each_new_trade_is_measured_once(
    exchange: ExchangeServer, dialect: Dialect
) -> None:
    """Not of those from before the connection, with which some exchanges begin, and not of those
    that a new connection says again."""
    lags: list[float] = []
    early = type("Early", (dialect.feed_class,), {"renew_after_s": 8.0})
    exchange.play(100)  # nobody listens to these
    running = RunningFeed(exchange, feed_class=early, observe_lag=lags.append)
    running.clock.wall_ms = lambda: exchange.now_ms + 250
    with running:
        running.connected()
        wait_until(lambda: subscribed(exchange), "the subscriptions")
        begin = exchange.position
        running.renewed(step_s=0.5)
        exchange.play(50)
        expected = keys_of(exchange.frames[begin : exchange.position], dialect)
        wait_until(lambda: expected[-1] in running.market.trades, "the newest trade")
        wait_until(lambda: len(lags) >= len(expected), "its lag, which is told of after it")
        assert len(lags) == len(expected)
        assert all(lag >= 0.249 for lag in lags)


def test_a_clock_that_is_behind_makes_no_negative_lag(exchange: ExchangeServer) -> None:
    lags: list[float] = []
    running = RunningFeed(exchange, observe_lag=lags.append)
    running.clock.wall_ms = lambda: START_MS - 1_000
    with running:
        running.connected()
        wait_until(lambda: subscribed(exchange), "the subscriptions")
        running.play(200)
        assert set(lags) == {0.0}


def test_it_stops_while_candles_are_awaited(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange) as running:
        running.connected()
        wait_until(lambda: subscribed(exchange), "the subscriptions")
        exchange.rest_faults = ["hang"] * 100
        running.play(100)
        running.feed.stop()
        running.thread.join(PATIENCE)
        assert running.state is FeedState.STOPPED
