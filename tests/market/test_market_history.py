"""History that is loaded: what it fills, what it never touches, and who is told."""

import numpy as np

from tests.market.samples import MINUTE, flat, trade


def test_bad_rows_of_a_history_are_dropped_alone(market):
    rows = np.array([flat(0, 10), flat(1, float("nan")), flat(2, 0), flat(3, 13)])
    market.load_history("BTC", rows)
    assert market.closed_candles("BTC")[:, 4].tolist() == [10, 13]
    assert market.drops == {"nan": 1, "non_positive": 1}


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
