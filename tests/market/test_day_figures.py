"""The figures of 24 hours: the exchange's, or what minutes say."""

import numpy as np

from backend.market.models import DayStatistics
from tests.market.samples import MINUTE, START, candle, flat, trade


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
