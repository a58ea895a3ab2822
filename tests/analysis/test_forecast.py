import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.analysis import volatility
from backend.analysis.forecast import MIN_MINUTES, ForecastEngine
from backend.analysis.ranges import ADAPTATION, HORIZONS, LEVELS, MAX_ADAPTATION
from backend.clock import MINUTE_MS
from backend.evaluate.forecast import OURS, judge
from backend.market.models import CLOSE, OPEN, VOLUME, Candle


def loaded(rows):
    engine = ForecastEngine(("BTC",))
    engine.load("BTC", rows)
    return engine


def share(tally):
    return tally.hits / tally.total


def first_width(horizon, level):
    return HORIZONS[horizon].first_widths[LEVELS.index(level)]


def half_width(engine, horizon, level, price=1.0):
    return next(
        math.log(one.high / price)
        for one in engine.ranges("BTC", price)
        if (one.horizon, one.level) == (horizon, level)
    )


def test_there_is_no_range_before_three_hours(candles):
    assert loaded(candles(count=MIN_MINUTES - 1)).ranges("BTC", 100.0) == ()
    assert len(loaded(candles(count=MIN_MINUTES)).ranges("BTC", 100.0)) == 4
    assert ForecastEngine(("BTC",)).ranges("BTC", 100.0) == ()


@pytest.mark.parametrize("name", HORIZONS)
def test_a_range_is_its_quantile_of_the_horizons_deviation_to_either_side(candles, name):
    engine = loaded(candles(count=200))
    ranges = {(r.horizon, r.level): r for r in engine.ranges("BTC", 50.0)}
    assert set(ranges) == {(horizon, level) for horizon in HORIZONS for level in LEVELS}
    half, most = (half_width(engine, name, level) for level in LEVELS)
    horizon, missing = HORIZONS[name], volatility.missing(200)
    widths = [
        width * (1 + unsure * missing)
        for width, unsure in zip(horizon.first_widths, horizon.unsure, strict=True)
    ]
    assert most / half == pytest.approx(widths[1] / widths[0])
    assert ranges[name, 0.9].high == pytest.approx(50 * math.exp(most))
    assert ranges[name, 0.9].low == pytest.approx(50 / math.exp(most))


def test_ranges_of_a_steady_market_are_as_wide_as_its_moves(candles):
    """Of a random walk the deviation is known: ours is within a quarter of it after a week."""
    engine = loaded(candles(count=7 * 1440, step=1e-3))
    for name, horizon in HORIZONS.items():
        true = 1e-3 * math.sqrt(horizon.minutes) * horizon.first_widths[1]
        assert half_width(engine, name, 0.9) == pytest.approx(true, rel=0.25)


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
    known = {level: half_width(loaded_without_marks(rows), "1h", level) for level in LEVELS}
    for level in LEVELS:
        learnt = math.exp((level - hit) * ADAPTATION * 5 / 60)
        assert half_width(engine, "1h", level) == pytest.approx(known[level] * learnt)


def loaded_without_marks(rows):
    """An engine that knows the prices, and has been through the minutes before."""
    engine = ForecastEngine(("BTC",))
    state = engine.state("BTC")
    state["marked"] = int(rows[-1, 0]) // MINUTE_MS
    engine.restore("BTC", state)
    engine.load("BTC", rows)
    return engine


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
        assert share(tally) == pytest.approx(level, abs=0.04)


def test_the_stated_share_of_ranges_held_in_a_real_week(recording):
    coverage = loaded(recording("BTC-USDT-1m-2021-02-19-week")).coverage()
    for levels in coverage.values():
        assert share(levels[0.5]) == pytest.approx(0.5, abs=0.03)
    assert share(coverage["1h"][0.9]) == pytest.approx(0.9, abs=0.03)
    # Six days, one of them a crash: seven of eight ranges at best.
    assert share(coverage["24h"][0.9]) > 0.8


def test_ranges_that_end_in_an_outage_are_not_counted_and_its_move_is_no_return(candles):
    rows = candles(count=400)
    rows[300:, 0] += 90 * MINUTE_MS
    rows[300:, OPEN:VOLUME] *= 3
    engine, calm = loaded(rows), loaded(candles(count=400))
    # 45 ranges were issued up to minute 399, of which 12 are open; the 12 that were open when
    # the outage began would have ended in it.
    assert calm.coverage()["1h"][0.5].total == 45 - 12
    assert engine.coverage()["1h"][0.5].total == 45 - 12 - 12
    found = [math.exp(half_width(of, "1h", 0.9)) for of in (engine, calm)]
    assert found[0] == pytest.approx(found[1], rel=0.01)


def test_a_long_lull_does_not_teach_that_nothing_moves(candles, flat):
    lull, stir = flat(count=60 * 1440, price=100.0), candles(count=200)
    stir[:, 0] += 60 * 1440 * MINUTE_MS
    rows = np.concatenate([lull, stir])
    known = loaded_without_marks(rows)
    for level in LEVELS:
        least = half_width(known, "1h", level) / MAX_ADAPTATION
        assert half_width(loaded(rows), "1h", level) >= least * (1 - 1e-9)


@pytest.fixture
def learnt(candles):
    """A symbol's candles of three days, and an engine that has been through them."""
    rows = candles(count=3 * 1440)
    return rows, loaded(rows)


def same(one, other):
    assert one.coverage() == other.coverage()
    for mine, theirs in zip(one.ranges("BTC", 7.0), other.ranges("BTC", 7.0), strict=True):
        assert (mine.low, mine.high) == pytest.approx((theirs.low, theirs.high), rel=1e-12)


def test_what_was_learnt_survives_that_candles_are_read_anew(learnt):
    """A repair, or a burst that was too long to follow, hands the history over again."""
    rows, engine = learnt
    before = engine.state("BTC")
    engine.load("BTC", rows)
    assert engine.state("BTC") == before
    engine.load("BTC", rows[-200:])
    assert engine.state("BTC") == before


def test_a_burst_of_candles_teaches_what_they_do_one_by_one(candles, each):
    rows = candles(count=3 * 1440)
    engine = loaded(rows[:2000])
    for candle in each(rows[2000:2500]):
        engine.update("BTC", candle)
    engine.load("BTC", rows)
    same(engine, loaded(rows))


def test_a_repaired_price_changes_ranges_and_unlearns_nothing(learnt):
    rows, engine = learnt
    widths = {level: half_width(engine, "1h", level) for level in LEVELS}
    repaired = rows.copy()
    repaired[-30:-20, CLOSE] *= 1.05
    engine.load("BTC", repaired)
    assert engine.coverage() == loaded(rows).coverage()
    for level in LEVELS:
        assert half_width(engine, "1h", level) > 2 * widths[level]


@pytest.mark.parametrize("cut", [100, 700, 2000, 4000])
def test_a_restart_goes_on_as_if_there_had_been_none(candles, each, cut):
    rows = candles(count=3 * 1440)
    stopped = loaded(rows[:cut])
    started = ForecastEngine(("BTC",))
    started.restore("BTC", json.loads(json.dumps(stopped.state("BTC"))))
    # 100 minutes passed meanwhile; then it goes on candle by candle.
    started.load("BTC", rows[: cut + 100])
    for candle in each(rows[cut + 100 :]):
        started.update("BTC", candle)
    same(started, loaded(rows))


def test_a_state_of_another_version_is_left_alone(learnt):
    _, engine = learnt
    fresh = ForecastEngine(("BTC",))
    fresh.restore("BTC", engine.state("BTC") | {"version": 0})
    assert fresh.coverage()["1h"][0.5].total == 0


def test_the_state_in_a_pause_is_that_of_the_minutes_before_it(candles):
    """Whoever stops in the midst of a long history goes on from there, and counts nothing twice."""
    rows = candles(count=3 * 1440)
    states = []
    engine = ForecastEngine(("BTC",))
    engine.load("BTC", rows, lambda: states.append(json.dumps(engine.state("BTC"))))
    assert len(states) > 3
    for state in states:
        other = ForecastEngine(("BTC",))
        other.restore("BTC", json.loads(state))
        other.load("BTC", rows)
        same(other, engine)


@pytest.mark.parametrize("broken", [{}, {"version": 1}, {"version": 1, "marked": 0}])
def test_what_is_no_state_is_refused(broken):
    engine = ForecastEngine(("BTC",))
    with pytest.raises((KeyError, TypeError, ValueError)):
        engine.restore("BTC", broken)
    assert engine.state("BTC") == ForecastEngine(("BTC",)).state("BTC")


def test_a_symbols_state_is_small(learnt):
    _, engine = learnt
    assert len(json.dumps(engine.state("BTC"))) < 6_000


def test_thirds_of_an_hours_ranges_held_evenly_in_real_candles(recording):
    """As `python -m backend.evaluate --of forecast` counts."""
    parts = [
        dict(judge(recording(name)))["1h", 0.9, OURS]
        for name in (
            "BTC-USDT-1m-2021-02-19-week",
            "BTC-USD-1m-2018-04-04",
            "ETH-USD-1m-2018-04-04",
            "LTC-USD-1m-2018-04-04",
        )
    ]
    counts = [len(part.moves) for part in parts]
    for held in np.average([part.thirds() for part in parts], axis=0, weights=counts):
        assert 0.87 <= held <= 0.93


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
