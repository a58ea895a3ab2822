"""The binance feed's REST side: the past, repaired gaps, and an exchange that answers badly."""

import logging
import socket
import threading

import numpy as np
import pytest

from backend.feeds.base import PastUnavailable
from backend.feeds.damage import DOUBTED_MS
from backend.market.models import FeedState
from tests.feeds.exchange_server import ExchangeServer
from tests.feeds.feed_harness import RunningFeed, keys_of
from tests.feeds.sample_frames import START_MS
from tests.servers import wait_until

pytestmark = pytest.mark.served

MINUTE_MS = 60_000
FIRST_MINUTE = START_MS - START_MS % MINUTE_MS


def wait_for_history(running: RunningFeed, symbol: str = "BTC") -> None:
    wait_until(
        lambda: len(running.market.closed_candles(symbol)) >= 48 * 60, f"the history of {symbol}"
    )


def test_48_hours_are_there_at_start_and_equal_the_exchanges(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange) as running:
        running.connected()
        running.play(100)
        for symbol in running.market.symbols:
            wait_for_history(running, symbol)
            assert running.wrong_candles(symbol, FIRST_MINUTE) == []
        minutes = running.market.closed_candles("BTC")[:, 0]
        assert minutes[-1] - minutes[0] == (48 * 60 - 1) * MINUTE_MS
        assert (np.diff(minutes) == MINUTE_MS).all()
        assert all(int(query["limit"]) <= 1_000 for query in exchange.rest_queries)


def test_history_comes_though_the_stream_can_not_be_opened(exchange: ExchangeServer) -> None:
    exchange.refusals = [503] * 1_000
    with RunningFeed(exchange) as running:
        wait_for_history(running)
        assert running.state is FeedState.CONNECTING


def test_the_minute_in_which_the_stream_begins_is_repaired(exchange: ExchangeServer) -> None:
    exchange.play(300)  # nobody listens to these
    with RunningFeed(exchange) as running:
        running.connected()
        exchange.play_until(FIRST_MINUTE + MINUTE_MS + 6_000)
        wait_until(
            lambda: not running.wrong_candles("BTC", FIRST_MINUTE + MINUTE_MS), "the first minute"
        )
        exchange.play_until(FIRST_MINUTE + 3 * MINUTE_MS + 6_000)
        wait_until(
            lambda: not running.wrong_candles("BTC", FIRST_MINUTE + 3 * MINUTE_MS),
            "the minutes after",
        )


def test_trades_lost_without_a_cut_are_noticed_and_repaired(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange) as running:
        running.connected()
        exchange.play_until(FIRST_MINUTE + MINUTE_MS + 6_000)
        wait_until(
            lambda: all(
                len(running.market.closed_candles(symbol)) >= 48 * 60
                and not running.wrong_candles(symbol, FIRST_MINUTE + MINUTE_MS)
                for symbol in running.market.symbols
            ),
            "the past and the first minute",
        )
        exchange.stall()
        exchange.play(200)
        exchange.stall(False)
        running.play(100)
        assert running.feed.counters["trade_gaps"] == 3  # one of each symbol
        exchange.play_until(FIRST_MINUTE + 2 * MINUTE_MS + 6_000)
        for symbol in running.market.symbols:
            wait_until(
                lambda symbol=symbol: (
                    not running.wrong_candles(symbol, FIRST_MINUTE + 2 * MINUTE_MS)
                ),
                f"the minutes of {symbol}",
            )


def test_a_gap_that_swallows_whole_minutes_is_filled(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange) as running:
        running.connected()
        running.play(100)
        wait_for_history(running)
        exchange.cut()
        exchange.play_until(FIRST_MINUTE + 3 * MINUTE_MS + 30_000)
        running.connected(2)
        exchange.play(200)
        wait_until(
            lambda: not running.wrong_candles("BTC", FIRST_MINUTE + 3 * MINUTE_MS), "the gap"
        )


def test_a_stream_without_loss_asks_for_nothing_more(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange, "BTC") as running:
        running.connected()
        exchange.play_until(FIRST_MINUTE + 2 * MINUTE_MS + 6_000)
        wait_until(lambda: not running.wrong_candles("BTC", FIRST_MINUTE + MINUTE_MS), "repair")
        wait_until(lambda: running.detail == "" and running.state is FeedState.LIVE, "all is well")
        asked = len(exchange.rest_queries)
        exchange.play(len(exchange.frames))
        last_minute = exchange.now_ms - exchange.now_ms % MINUTE_MS
        wait_until(lambda: not running.wrong_candles("BTC", last_minute), "the other minutes")
        assert len(exchange.rest_queries) <= asked + 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("503", "rest_unreachable"),
        ("cut", "rest_unreachable"),
        ("truncated", "rest_unreachable"),
        ("429", "rest_limited"),
        ("418", "rest_limited"),
        ("451", "rest_unreachable"),
        ("garbage", "rest_bad_answer"),
        ("lies", "rest_bad_answer"),
        ("empty", "rest_bad_answer"),
    ],
)
def test_history_comes_in_spite_of(
    exchange: ExchangeServer, fault: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.rest_faults = [fault] * 3
    with caplog.at_level(logging.WARNING), RunningFeed(exchange, "BTC") as running:
        running.connected()
        running.play(100)

        def loaded() -> bool:
            running.clock.advance(0.5)
            exchange.play(1)
            return len(running.market.closed_candles("BTC")) >= 48 * 60

        wait_until(loaded, "the history")
        assert running.wrong_candles("BTC", FIRST_MINUTE) == []
        assert running.feed.counters[kind] == 3
        assert running.feed.counters["connections"] == 1  # the stream did not mind
    assert len(caplog.records) == 1


def test_requests_stop_while_the_exchange_limits_them(exchange: ExchangeServer) -> None:
    exchange.rest_faults = ["", "429"]  # in the midst of a symbol's pages
    with RunningFeed(exchange, "BTC") as running:
        running.connected()
        running.play(10)
        wait_until(lambda: running.feed.counters["rest_limited"], "the limit")
        wait_until(lambda: "429" in running.detail or exchange.play(1), "the limit to be told")
        threading.Event().wait(0.6)  # there is nothing to wait for but that nothing happens
        assert len(exchange.rest_queries) == 2
        running.clock.advance(31)
        wait_for_history(running)
        wait_until(lambda: running.detail == "" or exchange.play(1), "the limit to be forgotten")


def test_requests_pause_before_the_limit_is_reached(exchange: ExchangeServer) -> None:
    exchange.rest_weight = 5_500
    with RunningFeed(exchange) as running:
        running.connected()
        wait_until(lambda: running.feed.counters["rest_weight_pauses"], "a pause")
        exchange.rest_weight = 10
        running.clock.advance(14)
        running.play(1)
        running.clock.advance(2)
        wait_for_history(running)


def test_a_dead_rest_side_leaves_the_stream_alone(exchange: ExchangeServer) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        with RunningFeed(exchange, rest_url=url) as running:
            running.connected()
            running.play(600)
            wait_until(lambda: "no candles from the exchange" in running.detail, "the news")
            assert "refused" in running.detail
            assert running.state is FeedState.LIVE
            assert running.market.trades == keys_of(exchange.frames[:600])


def test_a_symbol_that_is_not_listed_is_named_and_left_alone(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange, "BTC", "NOSUCH") as running:
        running.connected()
        running.play(300)
        wait_for_history(running)
        wait_until(lambda: running.detail == "not listed: NOSUCH", "the news")
        wait_until(lambda: running.market.feed_facts.unlisted == ("NOSUCH",), "the facts")
        asked = sum(query["symbol"] == "NOSUCHUSDT" for query in exchange.rest_queries)
        for _ in range(20):
            running.clock.advance(5)
            running.play(20)
        assert asked == 1
        assert sum(query["symbol"] == "NOSUCHUSDT" for query in exchange.rest_queries) == 1
        assert running.feed.counters["silent_symbols"] == 0


def restarted(exchange: ExchangeServer, missing: int) -> RunningFeed:
    """A feed whose market holds what a run before has left: up to `missing` minutes ago."""
    with RunningFeed(exchange, "BTC") as before:
        before.connected()
        before.play(100)
        wait_for_history(before)
        known = before.market.closed_candles("BTC")[:-missing].copy()
    known[-1, 5] = 1e6  # it had not been repaired yet
    exchange.rest_queries.clear()
    running = RunningFeed(exchange, "BTC")
    running.market.load_history("BTC", known)
    return running


def test_a_start_asks_for_what_was_missed_only(exchange: ExchangeServer) -> None:
    with restarted(exchange, missing=500) as running:
        running.connected()
        running.play(100)
        wait_until(lambda: not running.wrong_candles("BTC", FIRST_MINUTE), "the gap")
        first = min(int(rows[0, 0]) for _, rows in running.market.loads[1:])
        assert first >= FIRST_MINUTE - 500 * MINUTE_MS - DOUBTED_MS - 2 * MINUTE_MS
        assert len(exchange.rest_queries) == 1


def test_the_past_is_given_page_by_page_in_every_interval(exchange: ExchangeServer) -> None:
    with RunningFeed(exchange, "BTC") as running:
        running.connected()
        for interval, length in (
            ("1m", MINUTE_MS),
            ("1h", 60 * MINUTE_MS),
            ("1d", 1_440 * MINUTE_MS),
        ):
            before = FIRST_MINUTE - FIRST_MINUTE % length
            page = running.feed.past("BTC", interval, before, 20)
            times = page[:, 0]
            assert 0 < len(page) <= 20 and (np.diff(times) == length).all()
            assert times[-1] == before - length
            older = running.feed.past("BTC", interval, int(times[0]), 5)
            assert not len(older) or older[-1, 0] == times[0] - length
        assert len(running.feed.past("BTC", "1h", FIRST_MINUTE - 90 * 1_440 * MINUTE_MS, 20)) == 0


@pytest.mark.parametrize(
    ("fault", "retry_s"), [("503", 30), ("garbage", 30), ("lies", 30), ("cut", 30), ("400", 3_600)]
)
def test_a_past_that_can_not_be_had_is_asked_for_later(
    exchange: ExchangeServer, fault: str, retry_s: float
) -> None:
    with RunningFeed(exchange, "BTC") as running:
        running.connected()
        wait_for_history(running)
        exchange.rest_faults = [fault]
        with pytest.raises(PastUnavailable) as caught:
            running.feed.past("BTC", "1h", FIRST_MINUTE, 20)
        assert caught.value.retry_after_s == retry_s
        assert len(running.feed.past("BTC", "1h", FIRST_MINUTE, 20)) == 20


def test_a_limit_of_the_exchange_holds_back_the_present_as_well_as_the_past(
    exchange: ExchangeServer,
) -> None:
    with RunningFeed(exchange, "BTC") as running:
        running.connected()
        wait_for_history(running)
        exchange.rest_faults = ["429"]
        with pytest.raises(PastUnavailable) as caught:
            running.feed.past("BTC", "1h", FIRST_MINUTE, 20)
        assert caught.value.retry_after_s == 30
        exchange.cut()
        running.connected(2)
        asked = len(exchange.rest_queries)
        threading.Event().wait(0.6)  # there is nothing to wait for but that nothing happens
        assert len(exchange.rest_queries) == asked
