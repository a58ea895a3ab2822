import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.analysis.forecast import (
    FIRST_WIDTHS,
    HORIZONS,
    MAX_ADAPTATION,
    MIN_MINUTES,
    ForecastEngine,
    variance,
)
from backend.clock import MINUTE_MS
from backend.market.models import CLOSE, OPEN, VOLUME, Candle


def loaded(rows):
    engine = ForecastEngine(("BTC",))
    engine.load("BTC", rows)
    return engine


def share(tally):
    return tally.hits / tally.total


def test_variance_weighs_an_hour_six_and_a_day():
    steady = variance(np.cumsum(np.full(2000, 0.001)))
    # Five-minute returns of 0.005, so 0.000025 / 5 a minute.
    assert steady[-1] == pytest.approx(5e-6)
    prices = np.zeros(2000)
    prices[1960:] = 0.01  # five overlapping returns of 0.01, 40 minutes ago
    assert variance(prices)[-1] == pytest.approx(5 * 1e-4 / 5 * (0.3 / 60 + 0.3 / 360 + 0.4 / 1440))
    assert variance(prices)[1959] == 0


def test_there_is_no_range_before_three_hours(candles):
    assert loaded(candles(count=MIN_MINUTES - 1)).ranges("BTC", 100.0) == ()
    assert len(loaded(candles(count=MIN_MINUTES)).ranges("BTC", 100.0)) == 4
    assert ForecastEngine(("BTC",)).ranges("BTC", 100.0) == ()


def test_a_range_is_its_quantile_of_the_horizons_deviation_to_either_side(candles):
    rows = candles(count=200)
    value = variance(np.log(rows[:, CLOSE]))[-1]
    ranges = {(r.horizon, r.level): r for r in loaded(rows).ranges("BTC", 50.0)}
    assert set(ranges) == {("1h", 0.5), ("1h", 0.9), ("24h", 0.5), ("24h", 0.9)}
    half_width = FIRST_WIDTHS[0.9] * math.sqrt(value * 24 * 60)
    day = ranges["24h", 0.9]
    assert day.high == pytest.approx(50 * math.exp(half_width))
    assert day.low == pytest.approx(50 / math.exp(half_width))
    assert ranges["1h", 0.5].high < ranges["1h", 0.9].high < day.high


def test_each_range_is_checked_when_its_time_has_come(candles):
    """Marks are every five minutes from the 180th on; the last hour's are still open."""
    for count, due in ((239, 0), (240, 1), (244, 1), (245, 2), (300, 13)):
        tallies = loaded(candles(count=count)).coverage()["1h"]
        assert {tally.total for tally in tallies.values()} == {due}


@pytest.mark.parametrize(("jump", "hit"), [(1.0, 1), (1.5, 0)])
def test_a_range_that_held_narrows_the_next_and_one_that_failed_widens_it(candles, jump, hit):
    rows = candles(count=240, step=1e-5)
    rows[239, CLOSE] = rows[179, CLOSE] * jump
    engine = loaded(rows)
    coverage = engine.coverage()["1h"]
    assert [(tally.hits, tally.total) for tally in coverage.values()] == [(hit, 1), (hit, 1)]
    value = variance(np.log(rows[:, CLOSE]))[-1]
    of_hour = [one for one in engine.ranges("BTC", 1.0) if one.horizon == "1h"]
    for one in of_hour:
        width = FIRST_WIDTHS[one.level] * math.exp((one.level - hit) * 0.2 * 5 / 60)
        assert math.log(one.high) == pytest.approx(width * math.sqrt(value * 60))


@pytest.mark.parametrize("split", [0, 1, 179, 500, 1700])
def test_it_does_not_matter_how_the_candles_were_handed_over(candles, each, split):
    rows = candles(count=1800)
    rows = rows[np.random.default_rng(3).random(1800) > 0.1]
    engine = loaded(rows[:split])
    for candle in each(rows)[split:]:
        engine.update("BTC", candle)
        engine.update("BTC", candle)
    whole = loaded(rows)
    assert engine.coverage() == whole.coverage()
    for one, other in zip(engine.ranges("BTC", 7.0), whole.ranges("BTC", 7.0), strict=True):
        assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_the_future_changes_no_range_issued_before_it(recording, each):
    rows = recording("BTC-USDT-1m-2021-02-19-week")[:3000]
    engine = ForecastEngine(("BTC",))
    for number, candle in enumerate(each(rows), 1):
        engine.update("BTC", candle)
        if number % 700 == 0:
            then = loaded(rows[:number])
            assert engine.coverage() == then.coverage()
            assert engine.ranges("BTC", 1.0) == pytest.approx(then.ranges("BTC", 1.0))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_stated_share_of_ranges_holds_in_a_week_of_changing_volatility(candles, seed):
    rows = candles(seed=seed, count=7 * 1440)
    phase = np.arange(len(rows)) / 700
    steps = np.diff(np.log(rows[:, CLOSE]), prepend=math.log(100)) * np.exp(np.sin(phase))
    rows[:, CLOSE] = 100 * np.exp(np.cumsum(steps))
    coverage = loaded(rows).coverage("BTC")["1h"]
    for level, tally in coverage.items():
        assert share(tally) == pytest.approx(level, abs=0.03)


def test_the_stated_share_of_ranges_held_in_a_real_week(recording):
    coverage = loaded(recording("BTC-USDT-1m-2021-02-19-week")).coverage()["1h"]
    assert share(coverage[0.5]) == pytest.approx(0.5, abs=0.03)
    assert share(coverage[0.9]) == pytest.approx(0.9, abs=0.03)


def test_ranges_that_end_in_an_outage_are_not_counted_and_its_move_is_no_return(candles):
    rows = candles(count=400)
    rows[300:, 0] += 90 * MINUTE_MS
    rows[300:, OPEN:VOLUME] *= 3
    engine, calm = loaded(rows), loaded(candles(count=400))
    # 45 ranges were issued up to minute 399, of which 12 are open; the 12 that were open when
    # the outage began would have ended in it.
    assert calm.coverage()["1h"][0.5].total == 45 - 12
    assert engine.coverage()["1h"][0.5].total == 45 - 12 - 12
    found = [
        next(one.high for one in of.ranges("BTC", 1.0) if (one.horizon, one.level) == ("1h", 0.9))
        for of in (engine, calm)
    ]
    assert found[0] == pytest.approx(found[1], rel=0.01)


def test_a_long_lull_does_not_teach_that_nothing_moves(candles, flat):
    lull, stir = flat(count=5 * 1440, price=100.0), candles(count=200)
    stir[:, 0] += 5 * 1440 * MINUTE_MS
    rows = np.concatenate([lull, stir])
    deviation = math.sqrt(variance(np.log(rows[:, CLOSE]))[-1] * 60)
    for one in loaded(rows).ranges("BTC", 1.0):
        if one.horizon == "1h":
            least = FIRST_WIDTHS[one.level] / MAX_ADAPTATION * deviation
            assert math.log(one.high) >= least * (1 - 1e-9)


def test_coverage_of_all_symbols_adds_up(candles):
    engine = ForecastEngine(("BTC", "ETH"))
    engine.load("BTC", candles(seed=1, count=600))
    engine.load("ETH", candles(seed=2, count=400))
    totals = [engine.coverage(symbol)["1h"][0.5].total for symbol in ("BTC", "ETH")]
    assert engine.coverage()["1h"][0.5].total == sum(totals)
    engine.load("ETH", candles(seed=2, count=400))
    assert engine.coverage()["1h"][0.5].total == sum(totals)


@settings(max_examples=30)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.0, 1e-9, 1e-3, 1.0, 10.0]),
    price=st.floats(1e-9, 1e9),
)
def test_any_prices_give_ranges_about_the_price(seed, scale, price):
    rng = np.random.default_rng(seed)
    closes = np.clip(price * np.exp(np.cumsum(rng.normal(0, scale, 400))), 1e-12, 1e12)
    engine = ForecastEngine(("BTC",))
    for number, close in enumerate(closes.tolist()):
        engine.update("BTC", Candle(number * MINUTE_MS, close, close, close, close, 1.0, close))
    ranges = engine.ranges("BTC", price)
    assert len(ranges) == 2 * len(HORIZONS)
    for one in ranges:
        assert 0 < one.low <= price <= one.high < math.inf
    for levels in engine.coverage().values():
        for tally in levels.values():
            assert 0 <= tally.hits <= tally.total
