"""Forecast ranges follow the market, whichever way its candles come."""

import numpy as np

from backend.clock import MINUTE_MS, SystemClock
from backend.market.candles import row_candle
from backend.market.market import Market
from backend.streaming.forecaster import Forecaster
from tests.streaming.conftest import go_over

FIRST_MINUTE = 28_000_000 * MINUTE_MS
COUNT = 2_000


def rows() -> np.ndarray:
    rng = np.random.default_rng(3)
    closes = 100 * np.exp(np.cumsum(rng.normal(0, 1e-3, COUNT)))
    times = FIRST_MINUTE + MINUTE_MS * np.arange(COUNT)
    ones = np.ones(COUNT)
    return np.column_stack([times, closes, closes, closes, closes, ones, closes])


def test_candles_one_by_one_teach_what_loading_them_does() -> None:
    loaded, followed = (Market(("BTC",), SystemClock()) for _ in range(2))
    one, two = (Forecaster(market, ("BTC",), lambda: None) for market in (loaded, followed))
    loaded.load_history("BTC", rows())
    one.refresh()
    followed.load_history("BTC", rows()[:300])
    two.refresh()
    for number, row in enumerate(rows()[300:]):
        followed.apply_candle("BTC", row_candle(row))
        if number % 7 == 0:
            two.refresh()
    two.refresh()
    first, second = one.payload(), two.payload()
    assert first["coverage"] == second["coverage"]
    assert first["coverage"]["1h"]["90"]["total"] > 100
    assert first["forecasts"][0]["ranges"] == second["forecasts"][0]["ranges"]


def test_a_symbol_with_too_little_history_is_left_out() -> None:
    market = Market(("BTC", "ETH"), SystemClock())
    forecaster = Forecaster(market, ("BTC", "ETH"), lambda: None)
    market.load_history("ETH", rows()[:20])
    forecaster.refresh()
    assert forecaster.payload()["forecasts"] == []


def test_what_one_source_taught_is_not_applied_to_another() -> None:
    """And whoever comes back goes on with what it taught: a restart is no other way to do so."""
    market = Market(("BTC",), SystemClock(), "x")
    forecaster = Forecaster(market, ("BTC",), lambda: None)
    market.load_history("BTC", rows())
    forecaster.refresh()
    taught = forecaster.payload()["coverage"]
    go_over(market, "BTC", "y", rows()[:400])
    forecaster.refresh()
    of_other = forecaster.payload()["coverage"]
    assert 0 < of_other["1h"]["90"]["total"] < taught["1h"]["90"]["total"]
    again = Forecaster(other := Market(("BTC",), SystemClock(), "y"), ("BTC",), lambda: None)
    for source, state in forecaster.states("BTC"):
        again.restore("BTC", source, state)
    assert again.payload()["coverage"] == of_other
    for each, its_market in ((forecaster, market), (again, other)):
        go_over(its_market, "BTC", "x", rows())
        each.refresh()
        assert each.payload()["coverage"] == taught
