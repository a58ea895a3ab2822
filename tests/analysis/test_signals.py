import math

import numpy as np
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.analysis import reasons
from backend.analysis.signals import MIN_CANDLES, SignalEngine, level_of, strength_of
from backend.clock import MINUTE_MS
from backend.market.models import CLOSE, HIGH, LOW, OPEN, VOLUME, Candle, SignalLevel, SignalReason


def assess(rows, forming=None):
    engine = SignalEngine("BTC")
    engine.rebuild(rows)
    return engine.assess(forming)


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (1, "STRONG_BUY"),
        (0.51, "STRONG_BUY"),
        (0.5, "BUY"),
        (0.11, "BUY"),
        (0.1, "HOLD"),
        (0, "HOLD"),
        (-0.1, "HOLD"),
        (-0.11, "SELL"),
        (-0.5, "SELL"),
        (-0.51, "STRONG_SELL"),
        (-1, "STRONG_SELL"),
    ],
)
def test_levels_at_their_published_bounds(score, level):
    assert level_of(score) == level


@pytest.mark.parametrize(
    ("score", "strength"),
    [(0, 1), (0.05, 0.75), (0.1, 0.5), (0.375, 0.75), (0.65, 1), (1, 1), (-0.375, 0.75)],
)
def test_strength_grows_from_where_the_level_begins(score, strength):
    assert strength_of(score) == pytest.approx(strength)


def test_nothing_is_said_before_an_hour_of_candles(candles, each):
    engine = SignalEngine("BTC")
    assert engine.assess(None) is None
    said = []
    for candle in each(candles(count=MIN_CANDLES)):
        engine.update(candle)
        said.append(engine.assess(None))
    assert said[:-1] == [None] * (MIN_CANDLES - 1)
    assert said[-1].symbol == "BTC"


def test_a_rise_is_bought_and_a_fall_is_sold(candles):
    rows = candles(count=300, step=1e-4)
    drift = np.exp(3e-4 * np.arange(300))[:, None]
    risen, fallen = rows.copy(), rows.copy()
    risen[:, OPEN:VOLUME] *= drift
    fallen[:, OPEN:VOLUME] /= drift
    assert assess(risen).level in (SignalLevel.BUY, SignalLevel.STRONG_BUY)
    assert assess(fallen).level in (SignalLevel.SELL, SignalLevel.STRONG_SELL)


def test_the_forming_candle_counts_as_if_it_closed_now(candles, each):
    rows = candles(count=400)
    forming = each(rows)[-1]
    now = assess(rows[:-1], forming)
    closed = assess(rows)
    assert (now.level, now.price) == (closed.level, closed.price)
    assert now.score == pytest.approx(closed.score)
    assert now.time_ms == forming.open_time_ms
    assert closed.time_ms == forming.open_time_ms + MINUTE_MS


def test_a_forming_candle_that_has_closed_since_is_not_counted_twice(candles, each):
    rows = candles()
    assert assess(rows, each(rows)[-1]) == assess(rows)


def test_a_known_candle_changes_nothing(candles, each):
    rows = candles()
    engine = SignalEngine("BTC")
    engine.rebuild(rows)
    expected = engine.assess(None)
    engine.update(each(rows)[-1])
    engine.update(each(rows)[17])
    assert engine.assess(None) == expected


def same(one, other):
    assert one.score == pytest.approx(other.score, abs=1e-12)
    assert (one.level, one.reason, one.price, one.time_ms) == (
        other.level,
        other.reason,
        other.price,
        other.time_ms,
    )


@pytest.mark.parametrize("split", [0, 30, 199, 203, 1500, 3000])
def test_it_does_not_matter_how_the_candles_were_handed_over(candles, each, split):
    rows = candles(count=3100, seed=3)
    engine = SignalEngine("BTC")
    engine.rebuild(rows[:split])
    for candle in each(rows)[split:]:
        engine.update(candle)
    same(engine.assess(None), assess(rows))


@pytest.mark.parametrize("name", ["BTC-USDT-1m-2021-02-19-week", "LTC-USD-1m-2018-04-04"])
def test_the_future_of_a_recording_changes_nothing_said_before_it(recording, each, name):
    rows = recording(name)
    engine = SignalEngine("BTC")
    said = []
    for candle in each(rows):
        said.append(engine.assess(candle))
        engine.update(candle)
    for end in range(100, len(rows), len(rows) // 40):
        same(said[end], assess(rows[:end], each(rows[end : end + 1])[0]))


def test_two_days_of_history_rate_like_a_week_of_it(recording):
    rows = recording("BTC-USDT-1m-2021-02-19-week")
    for end in range(5000, len(rows), 613):
        same(assess(rows[end - 2881 : end]), assess(rows[:end]))


def test_every_level_and_reason_occurs_in_a_real_week(recording, each):
    rows = recording("BTC-USDT-1m-2021-02-19-week")
    engine = SignalEngine("BTC")
    engine.rebuild(rows[:1500])
    levels, reasons = set(), set()
    for candle in each(rows[1500:6000]):
        assessment = engine.assess(candle)
        levels.add(assessment.level)
        reasons.add(assessment.reason)
        engine.update(candle)
    assert levels == set(SignalLevel)
    assert reasons == set(SignalReason)


def test_a_market_that_stands_still_is_held(flat):
    for volume in (0.0, 7.0):
        still = assess(flat(volume=volume))
        assert (still.level, still.score, still.strength) == (SignalLevel.HOLD, 0, 1)
        assert still.reason is SignalReason.SUPPORT


def test_a_market_that_comes_to_rest_is_held(candles, flat):
    rows = candles(count=300)
    rest = flat(count=100, price=rows[-1, CLOSE])
    rest[:, 0] += 300 * MINUTE_MS
    assert assess(np.concatenate([rows, rest])).level is SignalLevel.HOLD


def test_minutes_without_volume_do_not_vote_by_volume(candles):
    rows = candles(count=300)
    rows[200:, VOLUME:] = 0
    assessment = assess(rows)
    assert -1 <= assessment.score <= 1


def test_gaps_in_time_are_minutes_that_are_not_there(candles):
    rows = candles(count=400)
    gappy = rows.copy()
    gappy[200:, 0] += 500 * MINUTE_MS
    assert assess(gappy).score == assess(rows).score


@pytest.mark.parametrize("factor", [1e-7, 3.7, 1e6])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_unit_of_the_price_does_not_matter(candles, seed, factor):
    rows = candles(seed=seed, count=1600)
    other = rows.copy()
    other[:, OPEN:VOLUME] *= factor
    one, two = assess(rows), assess(other)
    assert (one.level, one.reason) == (two.level, two.reason)
    assert one.score == pytest.approx(two.score)


@pytest.mark.parametrize("seed", range(20))
def test_mirrored_prices_turn_the_score_around(candles, seed):
    rows = candles(seed=seed)
    mirrored = rows.copy()
    mirrored[:, [OPEN, CLOSE]] = 200 - rows[:, [OPEN, CLOSE]]
    mirrored[:, HIGH], mirrored[:, LOW] = 200 - rows[:, LOW], 200 - rows[:, HIGH]
    assert assess(mirrored).score == pytest.approx(-assess(rows).score)


def votes_by_the_book(rows):
    """The rating of every candle but the first, by TA-Lib's batch functions and whole arrays."""
    h, low, c, v = (rows[:, i].copy() for i in (HIGH, LOW, CLOSE, VOLUME))

    def ago(values, count=1):
        return np.concatenate((np.full(count, np.nan), values[:-count]))

    def vote(buy, sell, *needed):
        missing = np.isnan(np.array(needed)).any(axis=0)
        return np.where(missing, np.nan, buy.astype(float) - sell)

    averages = [f(c, n) for f in (talib.SMA, talib.EMA) for n in (10, 20, 30, 50, 100, 200)]
    averages += [talib.HMA(c, 9), talib.VWMA(c, v, 20)]
    slow = [vote(c > average, c < average, average) for average in averages]
    line, base, span = (talib.MIDPRICE(h, low, n) for n in (9, 26, 52))
    lead = (line + base) / 2
    up = (lead > span) & (c > lead) & (c < base) & (ago(c) < line) & (c > line)
    down = (lead < span) & (c < lead) & (c > base) & (ago(c) > line) & (c < line)
    slow.append(vote(up, down, span, ago(line)))

    def turns(values, bottom, top):
        rises, falls = values > ago(values), values < ago(values)
        return vote((values < bottom) & rises, (values > top) & falls, values, ago(values))

    def crosses(k, d, buying=True, selling=True):
        # Both often stand at 0 or 100 together, but for rounding.
        k, d = np.round(k, 6), np.round(d, 6)
        up = (k < 20) & (d < 20) & (k > d) & (ago(k) < ago(d)) & buying
        down = (k > 80) & (d > 80) & (k < d) & (ago(k) > ago(d)) & selling
        return vote(up, down, k, d, ago(k), ago(d))

    trend = talib.EMA(c, 50)
    adx, plus, minus = (f(h, low, c, 14) for f in (talib.ADX, talib.PLUS_DI, talib.MINUS_DI))
    ao, mom = talib.AO(h, low, 5, 34), talib.MOM(c, 10)
    macd, signal, _ = talib.MACD(c, 12, 26, 9)
    bull, bear = talib.ERI(h, low, c, 13)
    ultimate = talib.ULTOSC(h, low, c, 7, 14, 28)
    k_rsi = talib.STOCHRSI(c, 14, 14, 3)[1]
    stochastic_rsi = crosses(k_rsi, talib.SMA(k_rsi, 3), c < trend, c > trend)
    ao_up = (ao > 0) & (ago(ao) <= 0) | (ao > 0) & (ago(ao) > 0) & (ao > ago(ao)) & (
        ago(ao, 2) > ago(ao)
    )
    ao_down = (ao < 0) & (ago(ao) >= 0) | (ao < 0) & (ago(ao) < 0) & (ao < ago(ao)) & (
        ago(ao, 2) < ago(ao)
    )
    up = (adx > 20) & (ago(plus) < ago(minus)) & (plus > minus)
    down = (adx > 20) & (ago(plus) > ago(minus)) & (plus < minus)
    fast = [
        turns(talib.RSI(c, 14), 30, 70),
        crosses(*talib.STOCH(h, low, c, 14, 3, 0, 3, 0)),
        turns(talib.CCI(c, c, c, 20), -100, 100),
        vote(up, down, adx, ago(plus)),
        vote(ao_up, ao_down, ao, ago(ao)),
        vote(mom > ago(mom), mom < ago(mom), mom, ago(mom)),
        vote(macd > signal, macd < signal, macd, signal),
        np.where(np.isnan(trend), np.nan, stochastic_rsi),
        turns(talib.WILLR(h, low, c, 14), -80, -20),
        vote(
            (c > trend) & (bear < 0) & (bear > ago(bear)),
            (c < trend) & (bull > 0) & (bull < ago(bull)),
            trend,
            bear,
            ago(bear),
        ),
        vote(ultimate > 70, ultimate < 30, ultimate),
    ]
    return [np.nanmean(np.array(group)[:, MIN_CANDLES:], axis=0) for group in (slow, fast)]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_score_is_that_of_the_published_rules_on_whole_arrays(candles, each, seed):
    rows = candles(seed=seed, count=1500)
    slow, fast = votes_by_the_book(rows)
    engine = SignalEngine("BTC")
    engine.rebuild(rows[:MIN_CANDLES])
    scores = []
    for candle in each(rows[MIN_CANDLES:]):
        scores.append(engine.assess(candle).score)
        engine.update(candle)
    np.testing.assert_allclose(scores, (slow + fast) / 2, atol=1e-12)
    assert min(scores) < -0.5 and max(scores) > 0.5


def reason_now(rows, forming=None):
    assessment = assess(rows, forming)
    return assessment.level, assessment.reason


def trending_rows(candles, rate):
    rows = candles(count=300, step=1e-5)
    rows[:, OPEN:VOLUME] *= np.exp(rate * np.arange(300))[:, None]
    return rows


@pytest.mark.parametrize("rate", [3e-4, -3e-4])
def test_a_surge_that_has_just_closed_is_still_the_reason(candles, each, rate):
    rows = trending_rows(candles, rate)
    rows[-2:, OPEN], rows[-2:, CLOSE] = 1, 1 * np.exp(rate)
    rows[-2:, [OPEN, CLOSE]] *= rows[-3, [CLOSE]]
    rows[-2:, HIGH], rows[-2:, LOW] = rows[-2, [OPEN, CLOSE]].max(), rows[-2, [OPEN, CLOSE]].min()
    rows[-2, VOLUME] = 1e4
    rows[-1, VOLUME] = 0.001
    assert reason_now(rows[:-1], each(rows)[-1])[1] is SignalReason.VOLUME


@pytest.mark.parametrize(
    ("level", "direction"),
    [
        ("STRONG_BUY", 1),
        ("BUY", 1),
        ("HOLD", 0),
        ("SELL", -1),
        ("STRONG_SELL", -1),
    ],
)
def test_evidence_is_sought_in_the_signals_direction(
    recording, each, monkeypatch, level, direction
):
    rows = recording("BTC-USDT-1m-2021-02-19-week")
    asked = []
    strongest = reasons.strongest
    monkeypatch.setattr(
        reasons, "strongest", lambda found, way: asked.append(way) or strongest(found, way)
    )
    engine = SignalEngine("BTC")
    engine.rebuild(rows[:300])
    for candle in each(rows[300:1500]):
        asked.clear()
        if engine.assess(candle).level == level:
            assert asked == [direction]
            return
        engine.update(candle)
    pytest.fail(f"no {level} among the candles")


@pytest.mark.parametrize(
    ("pivot_above", "rate", "reason"),
    [(False, 1e-4, SignalReason.SUPPORT), (True, -1e-4, SignalReason.RESISTANCE)],
)
def test_a_pivot_next_to_the_price_is_the_reason(candles, pivot_above, rate, reason):
    """Yesterday's high, low and close are set so that its pivot lies a hair from today's price."""
    rows = candles(count=1440 + 300, step=2e-5)
    rows[1440:, OPEN:VOLUME] *= np.exp(rate * np.sin(np.arange(300) / 9))[:, None]
    price = rows[-1, CLOSE]
    pivot = price * (1 + (1e-7 if pivot_above else -1e-7))
    rows[:1440, OPEN:VOLUME] = pivot
    rows[700, HIGH], rows[700, LOW] = pivot * 1.5, pivot * 0.5
    rows[:, VOLUME] = 1.0
    assessment = assess(rows)
    if (assessment.level in ("BUY", "STRONG_BUY")) == pivot_above:
        assert assessment.reason is not reason
    else:
        assert assessment.reason is reason


PRICES = st.floats(1e-9, 1e9)


@settings(max_examples=60)
@given(
    steps=st.lists(st.floats(-12, 12), min_size=MIN_CANDLES, max_size=260),
    calm=st.sampled_from([0.0, 1e-9, 1e-3, 1.0]),
    price=PRICES,
    volumes=st.lists(st.sampled_from([0.0, 1e-8, 1.0, 1e12]), min_size=1, max_size=7),
)
def test_any_positive_prices_give_a_signal_within_bounds(steps, calm, price, volumes):
    closes = np.clip(price * np.exp(np.cumsum(np.array(steps) * calm)), 1e-12, 1e12)
    engine = SignalEngine("BTC")
    for number, close in enumerate(closes.tolist()):
        volume = volumes[number % len(volumes)]
        before = closes[number - 1] if number else close
        candle = Candle(
            number * MINUTE_MS, before, max(before, close), min(before, close), close, volume, 0.0
        )
        if number == len(closes) - 1:
            forming = engine.assess(candle)
        engine.update(candle)
    for said in (forming, engine.assess(None)):
        if said is not None:
            assert -1 <= said.score <= 1
            assert 0.5 <= said.strength <= 1
            assert said.level is level_of(said.score)
            assert math.isfinite(said.price)
    assert engine.assess(None) is not None
