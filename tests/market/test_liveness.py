"""What the market says of itself: how fresh it is, where from, and in which state its feed."""

import numpy as np

from backend.market.market import Market
from backend.market.models import BookTop, DayStatistics, FeedState
from tests.market.samples import START, flat, trade


def test_a_quote_says_where_it_is_from_and_when_its_trade_came_in(market, clock):
    market.load_history("BTC", np.array([flat(-1, 10)]))
    assert market.quote("BTC").source == "test"
    assert market.quote("BTC").received_ms is None
    clock.advance(2)
    market.apply_trade(trade(0, 10.0))
    came_in = clock.now_ms()
    clock.advance(2)
    market.apply_book(BookTop("BTC", 9.9, 10.1))
    market.apply_statistics(DayStatistics("BTC", START + 1500, 10.0, 9.0, 2.0))
    assert market.quote("BTC").received_ms == came_in


def test_a_symbol_is_stale_after_more_than_15_silent_seconds(market, clock):
    market.apply_trade(trade(0, 10.0))
    clock.advance(15)
    assert not market.stale("BTC")
    market.apply_trade(trade(1, 10.0, symbol="ETH"))
    clock.advance(0.1)
    assert market.quote("BTC").stale
    assert not market.stale("ETH")
    assert not market.feed_stale()
    clock.advance(15)
    assert market.feed_stale()
    market.touch()
    assert not (market.stale("BTC") or market.stale("ETH") or market.feed_stale())


def test_dropped_data_and_history_are_no_sign_of_life(market, clock):
    market.apply_trade(trade(0, 10.0))
    clock.advance(16)
    market.apply_trade(trade(1, float("nan")))
    market.load_history("BTC", np.array([flat(-1, 10)]))
    assert market.stale("BTC")


def test_last_update_is_the_wall_time_of_the_newest_data(market, clock):
    assert market.last_update_ms is None
    market.apply_trade(trade(0, 10.0))
    at = clock.now_ms()
    clock.advance(5)
    assert market.last_update_ms == at


def test_the_feeds_states_are_kept_once_each(market, clock):
    market.set_feed_state(FeedState.LIVE)
    market.set_feed_state(FeedState.LIVE)
    clock.advance(1)
    market.set_feed_state(FeedState.RECONNECTING, "closed by the exchange")
    assert market.feed_state == market.feed_history[-1]
    assert market.feed_state.since_ms == clock.now_ms()
    assert [status.state for status in market.feed_history] == [
        "connecting",
        "live",
        "reconnecting",
    ]


def test_the_feeds_history_is_bounded(market):
    for number in range(1000):
        market.set_feed_state(FeedState.RECONNECTING, str(number))
    assert len(market.feed_history) == 50


def test_another_source_is_another_market_and_no_move(market, clock):
    market.apply_trade(trade(0, 10.0))
    market.apply_trade(trade(1_000, 12.0))
    market.apply_book(BookTop("BTC", 11.9, 12.1))
    market.apply_trade(trade(0, 5.0, symbol="ETH"))
    seq = market.quote("BTC").seq
    other = Market(["BTC", "ETH"], clock, "other")
    assert other.release("ETH") is None
    other.load_history("BTC", np.array([flat(-1, 20)]))
    other.apply_trade(trade(2_000, 21.0))
    told = []
    market.on_price(told.append)
    market.on_history(lambda symbol, since_ms: told.append((symbol, since_ms)))
    market.follow("other")
    assert market.stale("BTC") and market.stale("ETH")
    market.change_source("BTC", other.release("BTC"))
    quote = market.quote("BTC")
    assert (quote.source, quote.price, quote.previous_price) == ("other", 21.0, 21.0)
    assert quote.change_24h == 5.0 and quote.seq == seq + 1
    assert (quote.bid, quote.ask, quote.stale) == (None, None, False)
    assert market.candles("BTC")[:, 4].tolist() == [20.0, 21.0]
    assert told == [("BTC", 0), "BTC"]
    assert market.feed_state.name == "other" and market.feed_history[-1].name == "other"
    assert market.quote("ETH").source == "test" and market.quote("ETH").stale
    assert other.quote("BTC") is None
