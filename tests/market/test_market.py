"""The market: what it accepts, what it drops, and what it answers."""

import numpy as np
import pytest

from backend.market.market import Market
from backend.market.models import BookTop, Candle, DayStatistics, FeedState, Trade

MINUTE = 60_000
START = 1_700_000_040_000  # on a minute


@pytest.fixture
def market(clock):
    return Market(["BTC", "ETH"], clock, "test")


def trade(offset_ms, price, quantity=1.0, trade_id=None, symbol="BTC"):
    return Trade(symbol, START + offset_ms, price, quantity, trade_id)


def candle(minute, open_, high, low, close, volume=1.0, quote_volume=100.0):
    return Candle(START + minute * MINUTE, open_, high, low, close, volume, quote_volume)


def flat(minute, price, quote_volume=100.0):
    return [START + minute * MINUTE, price, price, price, price, 1.0, quote_volume]


def test_trades_of_one_minute_form_a_candle(market):
    for offset, price in ((0, 10.0), (20_000, 12.0), (40_000, 9.0), (59_999, 11.0)):
        market.apply_trade(trade(offset, price, quantity=2.0))
    assert market.forming("BTC") == Candle(START, 10.0, 12.0, 9.0, 11.0, 8.0, 84.0)
    assert len(market.closed_candles("BTC")) == 0


def test_a_trade_of_a_later_minute_closes_the_candle_before_it_counts(market):
    seen = []
    market.on_candle(
        lambda symbol, closed: seen.append((symbol, closed, market.quote("BTC").price))
    )
    market.apply_trade(trade(0, 10.0))
    market.apply_trade(trade(MINUTE, 12.0))
    assert seen == [("BTC", Candle(START, 10.0, 10.0, 10.0, 10.0, 1.0, 10.0), 10.0)]
    assert market.closed_candles("BTC")[:, 4].tolist() == [10.0]
    assert market.forming("BTC").open == 12.0


def test_minutes_without_trades_are_absent(market):
    market.apply_trade(trade(0, 10.0))
    market.apply_trade(trade(5 * MINUTE, 12.0))
    assert market.candles("BTC")[:, 0].tolist() == [START, START + 5 * MINUTE]


def test_a_quiet_symbols_minute_closes_when_the_markets_time_has_passed_it(market):
    market.apply_trade(trade(0, 10.0, symbol="ETH"))
    market.apply_trade(trade(MINUTE + 1_999, 20.0))
    assert market.forming("ETH") is not None
    market.apply_trade(trade(MINUTE + 2_000, 20.0))
    assert market.forming("ETH") is None
    assert len(market.closed_candles("ETH")) == 1


def test_previous_price_is_the_last_that_differed(market):
    for offset, price in enumerate((10.0, 10.0, 11.0, 11.0)):
        market.apply_trade(trade(offset, price))
    quote = market.quote("BTC")
    assert (quote.price, quote.previous_price, quote.seq) == (11.0, 10.0, 4)


def test_before_any_change_the_previous_price_is_the_price(market):
    market.apply_trade(trade(0, 10.0))
    assert market.quote("BTC").previous_price == 10.0


def test_no_quote_before_the_first_price_and_for_unknown_symbols(market):
    assert market.quote("BTC") is None
    assert market.quote("NOPE") is None
    market.apply_trade(trade(0, 10.0))
    assert list(market.quotes(["ETH", "BTC"])) == ["BTC"]
    assert list(market.quotes()) == ["BTC"]
    assert market.quotes([]) == {}


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (trade(1, float("nan")), "nan"),
        (trade(1, 10.0, float("nan")), "nan"),
        (trade(1, 0.0), "non_positive"),
        (trade(1, -1.0), "non_positive"),
        (trade(1, 10.0, 0.0), "non_positive"),
        (trade(1, float("inf")), "inconsistent"),
        (trade(1, 10.0, trade_id=5), "duplicate"),
        (trade(1, 10.0, trade_id=4), "duplicate"),
        (trade(-1, 10.0), "out_of_order"),
        (trade(1, 10.0, symbol="NOPE"), "unknown_symbol"),
        (Trade("BTC", -5, 10.0, 1.0), "non_positive"),
    ],
)
def test_a_bad_trade_is_dropped_and_counted(market, bad, reason):
    market.apply_trade(trade(0, 10.0, trade_id=5))
    before = market.quote("BTC"), market.candles("BTC").tolist()
    market.apply_trade(bad)
    assert market.drops == {reason: 1}
    assert (market.quote("BTC"), market.candles("BTC").tolist()) == before


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (candle(1, 10, 9, 8, 9), "inconsistent"),
        (candle(1, 10, 12, 11, 11), "inconsistent"),
        (candle(1, 10, 12, 9, float("nan")), "nan"),
        (candle(1, 10, 12, 0, 11), "non_positive"),
        (candle(1, 10, 12, 9, 11, volume=-1), "non_positive"),
        (candle(1.5, 10, 12, 9, 11), "inconsistent"),
        (candle(0, 10, 12, 9, 11), "duplicate"),
        (candle(-1, 10, 12, 9, 11), "out_of_order"),
    ],
)
def test_a_bad_candle_is_dropped_and_counted(market, bad, reason):
    market.apply_candle("BTC", candle(0, 10, 10, 10, 10))
    market.apply_candle("BTC", bad)
    assert market.drops == {reason: 1}
    assert len(market.closed_candles("BTC")) == 1


def test_bad_rows_of_a_history_are_dropped_alone(market):
    rows = np.array([flat(0, 10), flat(1, float("nan")), flat(2, 0), flat(3, 13)])
    market.load_history("BTC", rows)
    assert market.closed_candles("BTC")[:, 4].tolist() == [10, 13]
    assert market.drops == {"nan": 1, "non_positive": 1}


def test_a_closed_candle_moves_the_quote_to_its_last_millisecond(market):
    market.apply_candle("BTC", candle(3, 10, 12, 9, 11))
    quote = market.quote("BTC")
    assert (quote.price, quote.time_ms) == (11, START + 3 * MINUTE + 59_999)


def test_history_gives_the_price_where_there_is_none_newer(market):
    market.load_history("BTC", np.array([flat(0, 10), flat(1, 11)]))
    assert market.quote("BTC").price == 11
    market.apply_trade(trade(2 * MINUTE, 12.0))
    market.load_history("BTC", np.array([flat(0, 20), flat(1, 21)]))
    assert market.quote("BTC").price == 12.0
    assert market.closed_candles("BTC")[:, 4].tolist() == [20, 21]


def test_history_never_touches_the_forming_minute(market):
    market.apply_trade(trade(2 * MINUTE, 12.0))
    market.load_history("BTC", np.array([flat(1, 11), flat(2, 99)]))
    assert market.forming("BTC").close == 12.0
    assert market.candles("BTC")[:, 4].tolist() == [11, 12]


def test_history_past_the_forming_minute_ends_it(market):
    """As after a gap: the minute of the cut was seen in part only, the history has it whole."""
    market.apply_trade(trade(0, 10.0))
    market.load_history("BTC", np.array([flat(0, 11), flat(1, 12)]))
    assert market.forming("BTC") is None
    assert market.closed_candles("BTC")[:, 4].tolist() == [11, 12]
    assert market.quote("BTC").price == 12


def test_a_trade_of_a_closed_minute_comes_too_late(market):
    market.load_history("BTC", np.array([flat(0, 10)]))
    market.apply_trade(trade(59_999, 12.0))
    assert market.drops == {"out_of_order": 1}
    assert market.forming("BTC") is None


def test_a_late_history_is_one_change_and_shows_in_the_day_figures_at_once(market):
    market.apply_trade(trade(10 * MINUTE, 12.0, 2.0))
    assert (market.quote("BTC").seq, market.quote("BTC").volume_24h) == (1, 24.0)
    market.load_history("BTC", np.array([flat(0, 10), flat(1, 11)]))
    quote = market.quote("BTC")
    assert (quote.seq, quote.volume_24h, quote.change_24h) == (2, 224.0, 20.0)
    market.load_history("BTC", np.array([flat(0, 8, quote_volume=50.0)]))
    quote = market.quote("BTC")
    assert (quote.seq, quote.volume_24h, quote.change_24h) == (3, 174.0, 50.0)


def test_history_tells_its_listeners_once_a_symbol(market):
    told = []
    market.on_history(lambda *args: told.append(args))
    market.load_history("BTC", np.array([flat(1, 11), flat(0, 10)]))
    market.load_history("BTC", np.empty((0, 7)))
    assert told == [("BTC", flat(0, 10)[0])]


def test_change_is_against_the_first_open_while_there_is_less_than_a_day(market):
    market.apply_candle("BTC", candle(0, 10, 20, 10, 20))
    market.apply_trade(trade(MINUTE, 15.0, 2.0))
    quote = market.quote("BTC")
    assert (quote.change_24h, quote.volume_24h) == (50.0, 130.0)


def test_day_figures_follow_the_window_of_1440_minutes(market):
    minutes = np.arange(3000)
    rows = np.array([flat(minute, 100 + minute, quote_volume=minute) for minute in minutes])
    market.load_history("BTC", rows)
    quote = market.quote("BTC")
    assert quote.change_24h == round((3099 / (3099 - 1440) - 1) * 100, 4)
    assert quote.volume_24h == sum(range(3000 - 1440, 3000))
    market.apply_trade(trade(3000 * MINUTE, 50.0, 2.0))
    quote = market.quote("BTC")
    assert quote.change_24h == round((50 / (3100 - 1440) - 1) * 100, 4)
    assert quote.volume_24h == sum(range(3001 - 1440, 3000)) + 100.0


def test_fresh_statistics_of_the_exchange_hold_over_computed_figures(market):
    market.apply_trade(trade(0, 110.0))
    market.apply_statistics(DayStatistics("BTC", START + 1000, 110.0, 100.0, 5_000_000.0))
    market.apply_trade(trade(2000, 120.0))
    quote = market.quote("BTC")
    assert (quote.price, quote.change_24h, quote.volume_24h) == (120.0, 20.0, 5_000_000.0)
    market.apply_trade(trade(1000 + 120_001, 130.0))
    quote = market.quote("BTC")
    assert (quote.change_24h, quote.volume_24h) == (round((130 / 110 - 1) * 100, 4), 360.0)


def test_statistics_bring_a_price_only_where_trades_are_silent(market):
    market.apply_statistics(DayStatistics("BTC", START, 100.0, 100.0, 1.0))
    assert market.quote("BTC").price == 100.0
    market.apply_trade(trade(1000, 101.0))
    market.apply_statistics(DayStatistics("BTC", START + 1500, 100.0, 100.0, 2.0))
    assert market.quote("BTC").price == 101.0
    market.apply_statistics(DayStatistics("BTC", START + 3500, 102.0, 100.0, 2.0))
    assert market.quote("BTC").price == 102.0


def test_repeated_statistics_change_nothing(market):
    statistics = DayStatistics("BTC", START, 100.0, 100.0, 1.0)
    market.apply_statistics(statistics)
    market.apply_statistics(statistics)
    market.apply_statistics(DayStatistics("BTC", START - 1, 90.0, 100.0, 1.0))
    assert market.quote("BTC").seq == 1
    assert market.drops == {"duplicate": 1, "out_of_order": 1}


def test_a_single_leap_in_time_is_dropped_and_harms_nothing(market):
    market.apply_trade(trade(0, 10.0))
    market.apply_trade(trade(10**11, 99.0))
    assert market.quote("BTC").price == 10.0
    market.apply_trade(trade(MINUTE + 5000, 11.0))
    assert market.quote("BTC").price == 11.0
    assert market.drops == {"future": 1}


def test_a_confirmed_leap_loses_nothing(market):
    """As after a night without a feed: the first event waits for the second."""
    night = 9 * 60 * MINUTE
    market.apply_trade(trade(0, 10.0))
    market.apply_trade(trade(night, 20.0, symbol="ETH"))
    market.apply_trade(trade(night + 10, 30.0))
    assert market.quote("ETH").price == 20.0
    assert market.quote("BTC").price == 30.0
    assert not market.drops


def test_rare_trades_come_one_behind_but_all_come(market):
    for hour in range(0, 20, 2):
        market.apply_trade(trade(hour * 60 * MINUTE, 10.0 + hour))
    assert market.candles("BTC")[:, 4].tolist() == [10.0 + hour for hour in range(0, 18, 2)]
    assert not market.drops


def test_of_a_lie_and_a_true_leap_the_lie_is_dropped(market):
    night = 9 * 60 * MINUTE
    market.apply_trade(trade(0, 10.0))
    market.apply_trade(trade(10**11, 99.0))
    market.apply_trade(trade(night, 11.0))
    market.apply_trade(trade(night + 1, 12.0))
    assert market.quote("BTC").price == 12.0
    assert market.drops == {"future": 1}


def test_after_a_backfill_there_is_no_leap_to_wait_for(market):
    night = 9 * 60
    market.apply_trade(trade(0, 10.0))
    market.load_history("BTC", np.array([flat(minute, 11) for minute in range(night)]))
    market.apply_trade(trade(night * MINUTE, 12.0))
    assert market.quote("BTC").price == 12.0


def test_a_repeat_of_a_leap_counts_once(market):
    night = 9 * 60 * MINUTE
    market.apply_trade(trade(0, 10.0, trade_id=1))
    market.apply_trade(trade(night, 20.0, trade_id=2))
    market.apply_trade(trade(night, 20.0, trade_id=2))
    assert market.forming("BTC").volume == 1.0
    assert market.drops == {"duplicate": 1}


def test_one_lie_about_a_trade_id_is_survived(market):
    market.apply_trade(trade(0, 10.0, trade_id=1))
    market.apply_trade(trade(1, 10.0, trade_id=10**15))
    market.apply_trade(trade(30_000, 11.0, trade_id=2))
    assert market.drops == {"duplicate": 1}
    market.apply_trade(trade(60_001, 12.0, trade_id=3))
    market.apply_trade(trade(60_002, 13.0, trade_id=4))
    assert market.quote("BTC").price == 13.0


def test_bid_and_ask_are_absent_until_there_is_a_book(market):
    market.apply_trade(trade(0, 10.0))
    assert (market.quote("BTC").bid, market.quote("BTC").ask) == (None, None)
    market.apply_book(BookTop("BTC", 9.9, 10.1))
    assert (market.quote("BTC").bid, market.quote("BTC").ask) == (9.9, 10.1)
    assert market.quote("ETH") is None


def test_a_book_brings_no_price_and_calls_nobody(market):
    called = []
    market.on_price(called.append)
    market.apply_book(BookTop("BTC", 9.9, 10.1))
    assert market.quote("BTC") is None
    assert called == []


def test_books_are_numbered_only_where_somebody_has_looked(market):
    """However often a book changes: quotes of one `seq` are the same, and it stays small."""
    market.apply_trade(trade(0, 10.0))
    seen = {}
    for number in range(1, 1001):
        market.apply_book(BookTop("BTC", 9.0 + number / 1e4, 10.0))
        if number % 100 == 0:
            for _ in range(3):
                quote = market.quote("BTC")
                assert seen.setdefault(quote.seq, quote) == quote
    assert list(seen) == list(range(1, 11))
    market.apply_book(BookTop("BTC", 9.1, 10.0))
    assert market.quote("BTC").seq == 10


def test_a_crossed_or_mad_book_changes_nothing(market):
    market.apply_trade(trade(0, 10.0))
    market.apply_book(BookTop("BTC", 9.9, 10.1))
    for bid, ask in ((10.2, 10.1), (0.0, 10.0), (float("nan"), 10.0), (9.0, float("inf"))):
        market.apply_book(BookTop("BTC", bid, ask))
    market.apply_book(BookTop("DOGE", 1.0, 2.0))
    assert (market.quote("BTC").bid, market.quote("BTC").ask) == (9.9, 10.1)
    assert market.drops == {"inconsistent": 2, "non_positive": 1, "nan": 1, "unknown_symbol": 1}


def test_a_book_is_a_sign_of_life(market, clock):
    market.apply_trade(trade(0, 10.0))
    clock.advance(16)
    market.apply_book(BookTop("BTC", 9.9, 10.1))
    assert not market.stale("BTC")


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


def test_the_exchanges_time_closes_a_quiet_minute(market):
    market.apply_trade(trade(0, 10.0))
    market.touch("BTC", START + MINUTE + 1_999)
    assert market.forming("BTC") is not None
    market.touch("ETH", START + MINUTE + 2_000)
    assert market.forming("BTC") is None
    assert market.closed_candles("BTC")[:, 4].tolist() == [10.0]


def test_one_lie_about_the_exchanges_time_closes_nothing(market):
    market.apply_trade(trade(0, 10.0))
    market.touch("BTC", START + 1_000 * MINUTE)
    market.touch("BTC", START + 1)
    market.touch("BTC", 10**30)
    market.apply_trade(trade(2, 11.0))
    assert market.quote("BTC").price == 11.0


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


def test_price_listeners_hear_of_changes_only_until_they_leave(market):
    told = []
    leave = market.on_price(told.append)
    for offset, price in enumerate((10.0, 10.0, 11.0)):
        market.apply_trade(trade(offset, price))
    leave()
    market.apply_trade(trade(5, 12.0))
    assert told == ["BTC", "BTC"]


def test_a_listener_that_raises_hurts_neither_the_market_nor_the_others(market, caplog):
    told = []
    market.on_price(lambda symbol: 1 / 0)
    market.on_price(told.append)
    market.apply_trade(trade(0, 10.0))
    market.apply_trade(trade(1, 11.0))
    assert told == ["BTC", "BTC"]
    assert market.listener_errors == {"price": 2}
    assert len(caplog.records) == 1


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


def test_unknown_symbols_and_intervals_are_key_errors(market):
    with pytest.raises(KeyError):
        market.candles("NOPE")
    with pytest.raises(KeyError):
        market.candles("BTC", "2m")


def test_the_figures_of_24_hours_say_how_much_of_it_they_stand_for(market):
    assert market.day_span_s("BTC") == 0
    for minute in (0, 30, 75):
        market.apply_trade(trade(minute * MINUTE, 10.0))
    assert market.day_span_s("BTC") == 75 * 60
    for minute in range(90, 30 * 60, 45):
        market.apply_trade(trade(minute * MINUTE, 11.0))
    assert market.day_span_s("BTC") == 86_400


def test_the_exchanges_own_figures_stand_for_the_whole_day(market):
    market.apply_statistics(DayStatistics("BTC", START, 11.0, 10.0, 1e6))
    assert market.day_span_s("BTC") == 86_400


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
