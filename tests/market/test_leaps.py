"""Lies about the time and about trade ids, and leaps that are true."""

import numpy as np

from tests.market.samples import MINUTE, START, flat, trade


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
