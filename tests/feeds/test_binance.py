"""The binance feed against a local exchange that misbehaves: its stream and its connections."""

import logging
import random
import re
import threading
from collections.abc import Callable

import pytest

from backend.feeds.binance import BinanceFeed
from backend.market.models import FeedState
from tests.feeds.exchange_klines import read_frames
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.feed_harness import RunningFeed, keys_of
from tests.servers import PATIENCE, SHARED_DATA, wait_until

pytestmark = [pytest.mark.served, pytest.mark.usefixtures("nothing_left_behind")]

RECORDING = SHARED_DATA / "frames" / "binance-spot-btcusdt-2024-08-08.txt.gz"
SYMBOLS = ("BTC", "ETH", "ADA")


def test_the_market_gets_what_the_frames_say(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange) as running:
        running.connected()
        running.play(len(exchange.frames))
        assert running.market.trades == keys_of(exchange.frames)
        assert not running.market.drops
        ticker = next(text for _, text in exchange.frames[::-1] if "24hrMiniTicker" in text)
        assert '"s":"ADAUSDT"' in ticker
        opened = float(re.search(r'"o":"([\d.]+)"', ticker)[1])
        quote = running.market.quote("ADA")
        assert quote.change_24h == pytest.approx((quote.price / opened - 1) * 100, abs=1e-3)
        assert quote.volume_24h == pytest.approx(
            float(re.search(r'"q":"([\d.]+)"', ticker)[1]), abs=0.01
        )


def heals(exchange: ExchangeServer, *symbols: str) -> None:
    """Play everything with three cuts; nothing may be lost that klines can give, nor come twice."""
    part = len(exchange.frames) // 4
    heard = []
    may_return = threading.Event()
    with RunningFeed(exchange, *symbols, pause=lambda _: may_return.wait(PATIENCE)) as running:
        for cut in range(4):
            running.connected(cut + 1)
            may_return.clear()
            begin = exchange.position
            running.play(part if cut < 3 else len(exchange.frames))
            heard += exchange.frames[begin : exchange.position]
            wait_until(lambda: running.state is FeedState.LIVE, "the feed to be live")
            if cut < 3:
                exchange.cut()
                exchange.play(part // 6)  # nobody listens to these
                may_return.set()
        assert running.market.trades == keys_of(heard)
        assert not running.market.drops
        assert running.feed.counters["connections_lost"] == 3
        for symbol in symbols:
            settled = exchange.now_ms - 5_000
            wait_until(
                lambda symbol=symbol, settled=settled: not running.wrong_candles(symbol, settled),
                f"candles of {symbol} to equal the exchange's",
            )
            assert len(running.market.closed_candles(symbol)) > 48 * 60
        states = [status.state for status in running.market.feed_history]
        assert [
            state for state, before in zip(states, [None, *states], strict=False) if state != before
        ] == [
            FeedState.CONNECTING,
            *[FeedState.LIVE, FeedState.RECONNECTING] * 3,
            FeedState.LIVE,
        ]


def test_three_cuts_heal(exchange: ExchangeServer) -> None:
    heals(exchange, *SYMBOLS)


@pytest.mark.skipif(not RECORDING.exists(), reason=f"no {RECORDING.name} in ../shared/data")
def test_three_cuts_of_a_real_recording_heal() -> None:
    with ExchangeServer(read_frames(RECORDING)) as exchange:
        heals(exchange, "BTC")


def cut(exchange: ExchangeServer, _: RunningFeed) -> None:
    exchange.cut()


def close(exchange: ExchangeServer, _: RunningFeed) -> None:
    exchange.close(1001, "maintenance")


def oversize(exchange: ExchangeServer, _: RunningFeed) -> None:
    exchange.send("x" * 2_000_000)


def freeze(exchange: ExchangeServer, running: RunningFeed) -> None:
    exchange.stall()
    running.clock.advance(61)


@pytest.mark.parametrize("fault", [cut, close, oversize, freeze])
def test_the_stream_comes_back_after(
    exchange: ExchangeServer, fault: Callable[[ExchangeServer, RunningFeed], None]
) -> None:
    with RunningFeed(exchange) as running:
        running.connected()
        running.play(300)
        wait_until(lambda: running.state is FeedState.LIVE, "the feed to be live")
        fault(exchange, running)
        wait_until(lambda: running.state is FeedState.RECONNECTING, "the loss to be seen")
        running.connected(2)
        running.play(300)
        wait_until(lambda: running.state is FeedState.LIVE, "the feed to be live again")


def test_a_connection_that_never_brings_data_is_given_up(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange) as running:
        running.connected()
        running.clock.advance(16)
        running.connected(2)
        assert "no data" in running.detail


LIES = [
    "garbage",
    "[]]",
    "{}",
    '{"e":"trade"}',
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":%d,"s":"BTCUSDT","t":%d,"p":"-5.0","q":"1","T":%d}}',
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":%d,"s":"BTCUSDT","t":%d,"p":"NaN","q":"1","T":%d}}',
    '{"stream":"btcusdt@trade","data":{"e":"trade","E":%d,"s":"DOGEUSDT","t":%d,"p":"5.0","q":"1","T":%d}}',
    '{"error":{"code":2,"msg":"no"},"id":7}',
]


def test_lies_change_nothing_and_are_logged_once(
    exchange: ExchangeServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING), RunningFeed(exchange) as running:
        running.connected()
        streams = exchange.clients[0].streams
        for _ in range(3):
            running.play(100)
            for lie in LIES:
                now = exchange.now_ms
                text = lie % (now, 10**9, now) if "%d" in lie else lie
                streams.add("dogeusdt@trade")
                exchange.clients[0].offer(text)
        running.play(100)
        assert running.market.trades == keys_of(exchange.frames[:400])
        assert running.feed.counters["connections"] == 1
        counters = running.feed.counters
        assert counters["bad_message"] == 3 * 5
        assert counters["unknown_symbol"] == counters["request_refused"] == 3
    assert len(caplog.records) == 3  # one of each kind


def test_repeats_and_disorder_count_once(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange) as running:
        running.connected()
        while exchange.position < len(exchange.frames):
            running.play(200)
            exchange.repeat(50)
            exchange.shuffle(8)
        settled = exchange.now_ms - 5_000
        for symbol in SYMBOLS:
            wait_until(
                lambda symbol=symbol: not running.wrong_candles(symbol, settled),
                f"candles of {symbol} to equal the exchange's",
            )
        assert running.market.drops["duplicate"]


class EarlyRenewal(BinanceFeed):
    renew_after_s = 8.0


def assert_renewed_without_a_gap(exchange: ExchangeServer, running: RunningFeed) -> None:
    exchange.clients[0].latency_s = 0.3  # what is under way on the old one must not be lost

    running.renewed()
    exchange.play(100)
    last = keys_of(exchange.frames[: exchange.position])[-1]
    wait_until(lambda: last in running.market.trades, "the newest trade")
    assert list(dict.fromkeys(running.market.trades)) == keys_of(
        exchange.frames[: exchange.position]
    )
    assert not running.feed.counters["trade_gaps"] and not running.feed.counters["connections_lost"]
    assert FeedState.RECONNECTING not in [s.state for s in running.market.feed_history]
    wait_until(lambda: len(exchange.clients) == 1, "the old connection to be closed")


def test_a_connection_come_of_age_is_renewed_without_a_gap(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange, feed_class=EarlyRenewal) as running:
        running.connected()
        running.play(200)
        for _ in range(2):
            running.clock.advance(6)
            running.play(50)
        assert_renewed_without_a_gap(exchange, running)


def test_a_shutdown_notice_renews_without_a_gap(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange) as running:
        running.connected()
        running.play(200)
        running.clock.advance(5)
        running.play(200)
        running.clock.advance(6)  # a renewal follows the last connecting by 10 s at the earliest
        running.play(50)
        exchange.announce_shutdown()
        assert_renewed_without_a_gap(exchange, running)


def test_a_silent_symbol_is_asked_for_anew_but_not_all_the_time(exchange: ExchangeServer) -> None:
    exchange.frames = [frame for frame in exchange.frames if "ada" not in frame[1]]
    with RunningFeed(exchange) as running:
        running.connected()
        for _ in range(20):
            running.play(20)
            running.clock.advance(5)
        wait_until(lambda: running.feed.counters["silent_symbols"], "the silence to be noticed")
        assert_renewed_without_a_gap(exchange, running)
        for _ in range(12):
            running.play(20)
            running.clock.advance(5)
        assert running.feed.counters["silent_symbols"] == 1  # it is patient for twice as long now


def test_refused_upgrades_are_tried_again_after_longer_and_longer_pauses(
    exchange: ExchangeServer,
) -> None:
    exchange.refusals = [503, 403, 500, 502, 503, 503, 503, 503, 503]
    with RunningFeed(exchange, random=random.Random(1)) as running:
        running.connected()
        running.play(10)
        assert len(running.pauses) == 9
        full = [0.5, 1, 2, 4, 8, 16, 30, 30, 30]
        assert all(0.5 * f <= p <= f for p, f in zip(running.pauses, full, strict=True))
        assert len(set(running.pauses)) == 9  # jittered
        assert running.market.feed_history[1].detail == "HTTP 503"


def test_a_limit_on_upgrades_is_respected(exchange: ExchangeServer) -> None:
    exchange.refusals = [429]
    with RunningFeed(exchange) as running:
        running.connected()
        assert running.pauses == [2.0]  # what Retry-After said


def test_pauses_start_afresh_only_after_a_connection_that_proved_itself(
    exchange: ExchangeServer,
) -> None:
    with RunningFeed(exchange) as running:
        for number in range(1, 5):
            running.connected(number)
            running.play(20)
            if number == 3:
                for _ in range(4):
                    running.clock.advance(4)
                    running.play(20)
            exchange.cut()
        running.connected(5)
        first, second, third, _ = running.pauses
        assert first <= 0.5 <= second <= 1
        assert third <= 0.5


def test_many_symbols_are_subscribed_to_in_requests(exchange: ExchangeServer) -> None:
    symbols = tuple(f"S{number}" for number in range(247)) + SYMBOLS
    with RunningFeed(exchange, *symbols) as running:
        running.connected()
        wait_until(lambda: len(exchange.clients[0].streams) == 750, "all streams")
        assert max(map(len, exchange.upgrades)) < 8_000
        assert [len(request["params"]) for request in exchange.requests] == [200, 200, 150]
        running.play(300)
        assert running.market.trades == keys_of(exchange.frames[:300])


def test_bids_and_asks_take_the_room_that_a_connection_leaves(exchange: ExchangeServer) -> None:
    symbols = SYMBOLS + tuple(f"S{number}" for number in range(497))
    with RunningFeed(exchange, *symbols) as running:
        running.connected()
        wait_until(lambda: len(exchange.clients[0].streams) == 1_024, "all streams")
        books = {name for name in exchange.clients[0].streams if name.endswith("@bookTicker")}
        assert len(books) == 24 and "adausdt@bookTicker" in books


@pytest.mark.parametrize("path", ["", "/", "/stream", "/ws", "/stream?streams=x"])
def test_the_url_may_name_a_path(exchange: ExchangeServer, path: str) -> None:
    with RunningFeed(exchange, ws_url=exchange.ws_url + path) as running:
        running.connected()
        running.play(100)
        assert running.market.trades == keys_of(exchange.frames[:100])
        assert exchange.upgrades[0].startswith("/ws/" if path == "/ws" else "/stream?streams=")
