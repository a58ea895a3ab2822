"""The market: what it accepts, what it drops, and what it answers."""

import pytest

from backend.market.models import Candle, Trade
from tests.market.samples import MINUTE, START, candle, trade


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


def test_a_closed_candle_moves_the_quote_to_its_last_millisecond(market):
    market.apply_candle("BTC", candle(3, 10, 12, 9, 11))
    quote = market.quote("BTC")
    assert (quote.price, quote.time_ms) == (11, START + 3 * MINUTE + 59_999)


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


def test_unknown_symbols_and_intervals_are_key_errors(market):
    with pytest.raises(KeyError):
        market.candles("NOPE")
    with pytest.raises(KeyError):
        market.candles("BTC", "2m")
