"""What is said of one-minute candles: the rules of a signal, whatever the timeframe."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.analysis.levels import FAR_MARGIN, LADDER, NEAR_MARGIN, level_of
from backend.analysis.rows import MIN_CANDLES
from backend.analysis.signal_board import SignalBoard
from backend.clock import MINUTE_MS
from backend.market.models import CLOSE, HIGH, LOW, OPEN, VOLUME, Candle, SignalLevel, SignalReason

TIMEFRAME = {"1m": MINUTE_MS}


def board_of(*symbols):
    return SignalBoard(symbols, TIMEFRAME)


def assess_all(board, forming):
    return {one.symbol: one for one in board.assess("1m", forming, dict.fromkeys(forming, 77))}


class OneSignal:
    """A board of one symbol."""

    def __init__(self):
        self.board = board_of("BTC")

    def load(self, rows):
        self.board.load("BTC", rows)

    def update(self, candle):
        self.board.update("BTC", candle)

    def assess(self, forming):
        return assess_all(self.board, {"BTC": forming}).get("BTC")


def assess(rows, forming=None):
    engine = OneSignal()
    engine.load(rows)
    return engine.assess(forming)


def test_nothing_is_said_before_an_hour_of_candles_has_passed(candles, each):
    engine = OneSignal()
    assert engine.assess(None) is None
    said = []
    for candle in each(candles(count=MIN_CANDLES + 1)):
        engine.update(candle)
        said.append(engine.assess(None))
    assert said[:-1] == [None] * MIN_CANDLES
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
    assert now.price == closed.price
    assert now.score == pytest.approx(closed.score)
    assert now.level is assess(rows[:-1]).level


def test_a_forming_candle_that_has_closed_since_is_not_counted_twice(candles, each):
    rows = candles()
    assert assess(rows, each(rows)[-1]) == assess(rows)


def test_a_known_candle_changes_nothing(candles, each):
    rows = candles()
    engine = OneSignal()
    engine.load(rows)
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
    engine = OneSignal()
    engine.load(rows[:split])
    for candle in each(rows)[split:]:
        engine.update(candle)
    same(engine.assess(None), assess(rows))


def test_symbols_are_rated_together_as_each_alone(candles, each):
    """In every state: with a forming candle, without one, with one that closed since, too new."""
    lengths = {"BTC": 3100, "ETH": 300, "SOL": 75, "NEW": 40}
    alone = {symbol: OneSignal() for symbol in lengths}
    together = board_of(*lengths)
    rows = {
        symbol: candles(seed=n, count=count) for n, (symbol, count) in enumerate(lengths.items())
    }
    for symbol, some in rows.items():
        together.load(symbol, some[:-30])
        alone[symbol].load(some[:-30])
    for place in range(-30, -1):
        for symbol, some in rows.items():
            if place % 3 or symbol == "ETH":
                (candle,) = each(some[place:][:1])
                together.update(symbol, candle)
                alone[symbol].update(candle)
        forming = {symbol: each(some[place + 1 :][:1])[0] for symbol, some in rows.items()}
        forming["BTC"], forming["SOL"] = None, each(rows["SOL"])[0]
        expected = {symbol: one.assess(forming[symbol]) for symbol, one in alone.items()}
        found = assess_all(together, forming)
        for symbol, one in expected.items():
            if one is None:
                assert symbol not in found
            else:
                same(found[symbol], one)
        assert assess_all(together, {"ETH": forming["ETH"]}).keys() == {"ETH"}
    assert found.keys() == {"BTC", "ETH", "SOL"}


@pytest.mark.parametrize("name", ["BTC-USDT-1m-2021-02-19-week", "LTC-USD-1m-2018-04-04"])
def test_the_future_of_a_recording_changes_nothing_said_before_it(recording, each, name):
    rows = recording(name)
    ends = range(100, len(rows), len(rows) // 40)
    engine = OneSignal()
    said = {}
    for place, candle in enumerate(each(rows)):
        if place in ends:
            said[place] = engine.assess(candle)
        engine.update(candle)
    for end in ends:
        same(said[end], assess(rows[:end], each(rows[end : end + 1])[0]))


def test_two_days_of_history_rate_like_a_week_of_it(recording):
    rows = recording("BTC-USDT-1m-2021-02-19-week")
    for end in range(5000, len(rows), 613):
        one, other = assess(rows[end - 2881 : end]), assess(rows[:end])
        assert one.score == pytest.approx(other.score, abs=1e-12)
        assert (one.level, one.reason) == (other.level, other.reason)


def test_every_level_and_reason_occurs_in_a_real_week(recording, each):
    rows = recording("BTC-USDT-1m-2021-02-19-week")
    engine = OneSignal()
    engine.load(rows[:1500])
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


def holds(level, score):
    """Whether a level may be held at a score that was confirmed for one minute."""
    margin = max(FAR_MARGIN, NEAR_MARGIN)
    near = {level_of(score), level_of(score - margin), level_of(score + margin)}
    places = [LADDER.index(each) for each in near]
    return min(places) <= LADDER.index(level) <= max(places)


PRICES = st.floats(1e-9, 1e9)


@settings(max_examples=60)
@given(
    steps=st.lists(st.floats(-12, 12), min_size=MIN_CANDLES + 1, max_size=260),
    calm=st.sampled_from([0.0, 1e-9, 1e-3, 1.0]),
    price=PRICES,
    volumes=st.lists(st.sampled_from([0.0, 1e-8, 1.0, 1e12]), min_size=1, max_size=7),
)
def test_any_positive_prices_give_a_signal_within_bounds(steps, calm, price, volumes):
    closes = np.clip(price * np.exp(np.cumsum(np.array(steps) * calm)), 1e-12, 1e12)
    engine = OneSignal()
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
            assert said is forming or holds(said.level, said.score)
            assert math.isfinite(said.price)
    assert engine.assess(None) is not None
