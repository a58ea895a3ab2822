import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backend.analysis import sentiment
from backend.analysis.sentiment import (
    GROUP_SYMBOLS,
    KEPT_MINUTES,
    MIN_MINUTES,
    SentimentEngine,
    confidence_of,
    mood_of,
    overall_of,
)
from backend.clock import MINUTE_MS
from backend.evaluate.daily import rank_correlation
from backend.market.models import CLOSE, HIGH, LOW, OPEN, QUOTE_VOLUME, VOLUME, Candle

SYMBOLS = ("BTC", "ETH", "LTC")


def market(candles, count=600, symbols=SYMBOLS):
    return {symbol: candles(seed=number, count=count) for number, symbol in enumerate(symbols)}


def read(rows, symbols=SYMBOLS):
    engine = SentimentEngine(symbols)
    engine.rebuild(rows)
    return engine.read()


def cut(rows, count):
    return {symbol: of_symbol[:count] for symbol, of_symbol in rows.items()}


@pytest.mark.parametrize(
    ("index", "overall", "mood"),
    [
        (0, "BEARISH", "BEARISH"),
        (24.4, "BEARISH", "BEARISH"),
        (24.6, "NEGATIVE", "BEARISH"),
        (44.4, "NEGATIVE", "BEARISH"),
        (44.6, "NEUTRAL", "NEUTRAL"),
        (55.4, "NEUTRAL", "NEUTRAL"),
        (55.6, "POSITIVE", "BULLISH"),
        (75.4, "POSITIVE", "BULLISH"),
        (75.6, "BULLISH", "BULLISH"),
        (100, "BULLISH", "BULLISH"),
    ],
)
def test_the_bands_of_the_index(index, overall, mood):
    assert (overall_of(index), mood_of(index)) == (overall, mood)


@pytest.mark.parametrize(
    ("scores", "coverage", "confidence"),
    [([70, 70, 70], 1, 1), ([0, 100], 1, 0), ([60, 80], 1, 0.8), ([60, 80], 0.5, 0.4)],
)
def test_confidence_is_agreement_times_coverage(scores, coverage, confidence):
    components = {str(number): score for number, score in enumerate(scores)}
    assert confidence_of(components, coverage) == pytest.approx(confidence)


def test_nothing_is_said_before_there_is_enough_data(candles):
    rows = market(candles)
    assert SentimentEngine(SYMBOLS).read() is None
    assert read({}) is None
    assert read(cut(rows, MIN_MINUTES - 1)) is None
    assert read(cut(rows, MIN_MINUTES)) is not None


def test_the_index_is_the_mean_of_its_components(candles):
    found = read(market(candles))
    assert set(found.components) == {"volatility", "drawdown", "momentum", "volume", "breadth"}
    assert found.index == pytest.approx(sum(found.components.values()) / 5)
    assert found.overall == overall_of(found.index)
    assert found.time_ms == market(candles)["BTC"][-1, 0] + MINUTE_MS


def moved(rows, minutes, size):
    """The market with a move of everything by `size`, over two hours, that ended so many minutes
    ago."""
    found = {}
    for symbol, some in rows.items():
        end = len(some) - minutes
        drift = np.interp(np.arange(len(some)), [end - 120, end], [0, size])
        found[symbol] = some.copy()
        found[symbol][:, OPEN:VOLUME] *= np.exp(drift)[:, None]
    return found


@pytest.mark.parametrize("minutes", [0, 60, 240, 720])
def test_a_crash_is_fear_and_a_rise_is_greed_for_the_rest_of_the_day(candles, minutes):
    rows = market(candles, count=5 * 1440)
    fear, greed = (read(moved(rows, minutes, size)) for size in (-0.1, 0.1))
    assert (fear.mood, greed.mood) == ("BEARISH", "BULLISH")
    for name in ("drawdown", "momentum", "breadth"):
        assert fear.components[name] < 30 and greed.components[name] > 60, name
    if minutes == 0:
        assert fear.trending_topics


def test_the_index_says_more_than_the_last_hour(candles):
    rows = market(candles, count=6 * 1440)
    engine = SentimentEngine(SYMBOLS)
    engine.rebuild(rows)
    level = sum(np.log(some[:, CLOSE]) for some in rows.values())
    ago = np.arange(0, 3 * 1440, 10)
    index = np.array([engine.past(int(each)).index for each in ago])
    past_hour = np.array([level[-1 - each] - level[-61 - each] for each in ago])
    assert abs(rank_correlation(index, past_hour)) < 0.4


def test_the_band_of_a_quiet_market_changes_a_dozen_times_a_day_at_most(candles):
    rows = market(candles, count=6 * 1440)
    engine = SentimentEngine(SYMBOLS)
    engine.rebuild(rows)
    bands = [engine.past(each).overall for each in range(2 * 1440)]
    changes = sum(one != other for one, other in zip(bands, bands[1:], strict=False))
    assert changes <= 2 * 12


def test_a_market_that_stands_still_is_neutral(flat):
    found = read({symbol: flat(count=500, volume=3.0) for symbol in SYMBOLS})
    assert found.index == 50
    assert found.trending_topics == ()
    assert (found.overall, found.mood) == ("NEUTRAL", "NEUTRAL")


def test_without_volume_there_is_still_an_index(candles):
    rows = market(candles)
    for of_symbol in rows.values():
        of_symbol[:, VOLUME:] = 0
    found = read(rows)
    assert found.components["volume"] == 50


def test_one_symbol_makes_a_market(candles):
    found = read({"BTC": candles(count=500)}, ("BTC",))
    assert 0 <= found.index <= 100


def test_missing_data_lowers_the_confidence_only(candles):
    rows = market(candles, count=2000)
    full = read(rows)
    silent = SYMBOLS + ("ADA", "DOT", "UNI")
    half = read(rows, silent)
    assert half.components == pytest.approx(full.components)
    assert half.confidence == pytest.approx(full.confidence / 2)
    longest = read(market(candles, count=KEPT_MINUTES))
    assert longest.confidence == pytest.approx(confidence_of(longest.components, 1))
    young = read({symbol: of_symbol[-720:] for symbol, of_symbol in rows.items()})
    assert young.confidence < 0.51 / 7


def follow(rows, each, order=None):
    """An engine told of all candles one by one, minute by minute or in a given order."""
    told = [(candle, symbol) for symbol, some in rows.items() for candle in each(some)]
    told.sort(key=order or (lambda pair: pair[0].open_time_ms))
    engine = SentimentEngine(tuple(rows))
    for candle, symbol in told:
        engine.update(symbol, candle)
    return engine


def with_gaps(rows):
    rng = np.random.default_rng(5)
    return {s: some[(rng.random(len(some)) > 0.2) | (some[:, 0] == some[-1, 0])]
            for s, some in rows.items()}  # fmt: skip


def test_told_minute_by_minute_equals_rebuilt_throughout(candles, each):
    rows = with_gaps(market(candles, count=400))
    engine = SentimentEngine(SYMBOLS)
    times = np.unique(np.concatenate([some[:, 0] for some in rows.values()]))
    for number, time in enumerate(times):
        for symbol, some in rows.items():
            for candle in each(some[some[:, 0] == time]):
                engine.update(symbol, candle)
        if number % 7 == 0:
            until = {symbol: some[some[:, 0] <= time] for symbol, some in rows.items()}
            assert engine.read() == read(until)


def test_it_stays_equal_when_old_minutes_are_given_up(candles, each):
    rows = with_gaps(market(candles, count=KEPT_MINUTES + 400))
    end = rows["BTC"][-1, 0]
    kept = {s: some[some[:, 0] > end - KEPT_MINUTES * MINUTE_MS] for s, some in rows.items()}
    assert follow(rows, each).read() == read(kept) == read(rows)


def test_the_order_within_the_kept_time_does_not_matter(candles, each):
    rows = with_gaps(market(candles, count=300))
    expected = follow(rows, each).read()
    for seed in range(3):
        draw = random.Random(seed)
        shuffled = follow(rows, each, order=lambda pair, draw=draw: draw.random())
        assert shuffled.read() == expected


def test_a_symbols_history_can_be_replaced(candles, each):
    rows = market(candles)
    engine = follow(rows, each)
    other = candles(seed=99, count=600)
    engine.load("ETH", other)
    assert engine.read() == read(rows | {"ETH": other})


def test_a_half_delivered_minute_is_not_read_yet(candles, each):
    rows = market(candles)
    engine = SentimentEngine(SYMBOLS)
    engine.rebuild(cut(rows, 599))
    before = engine.read()
    engine.update("BTC", each(rows["BTC"])[599])
    engine.update("LTC", each(rows["LTC"])[599])
    assert engine.read() == before
    engine.update("ETH", each(rows["ETH"])[599])
    assert engine.read() == read(rows)


def test_a_symbol_that_falls_silent_holds_nobody_up(candles, each):
    rows = market(candles)
    engine = SentimentEngine(SYMBOLS)
    engine.rebuild(cut(rows, 597))
    for symbol in ("BTC", "LTC"):
        for candle in each(rows[symbol])[597:]:
            engine.update(symbol, candle)
    assert engine.read().time_ms == rows["BTC"][-1, 0] + MINUTE_MS


def test_a_candle_from_before_the_kept_time_is_left_out(candles, each):
    rows = market(candles)
    engine = SentimentEngine(SYMBOLS)
    engine.rebuild(rows)
    before = engine.read()
    old = each(rows["BTC"])[0]
    engine.update("BTC", Candle(old.open_time_ms - 10 * KEPT_MINUTES * MINUTE_MS, 1, 1, 1, 1, 1, 1))
    assert engine.read() == before


def test_after_a_long_silence_it_starts_over(candles, each):
    rows = market(candles)
    engine = SentimentEngine(SYMBOLS)
    engine.rebuild(rows)
    last = each(rows["BTC"])[-1]
    engine.update(
        "BTC", Candle(last.open_time_ms + 10 * KEPT_MINUTES * MINUTE_MS, 1, 1, 1, 1, 1, 1)
    )
    assert engine.read() is None


def test_the_future_of_real_days_changes_nothing_said_before_it(recording, each):
    rows = {symbol: recording(f"{symbol}-USD-1m-2018-04-04") for symbol in SYMBOLS}
    start = rows["BTC"][0, 0]
    for minutes in range(100, 2880, 211):
        until = {s: some[some[:, 0] < start + minutes * MINUTE_MS] for s, some in rows.items()}
        assert follow(until, each).read() == read(until)


def test_the_future_of_a_real_week_changes_nothing_said_before_it(recording, each):
    rows = {"BTC": recording("BTC-USDT-1m-2021-02-19-week")}
    engine = SentimentEngine(("BTC",))
    for number, candle in enumerate(each(rows["BTC"])):
        engine.update("BTC", candle)
        if number % 500 == 99:
            assert engine.read() == read(cut(rows, number + 1), ("BTC",))


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.sampled_from([0.0, 1e-9, 1e-3, 0.3]),
    price=st.floats(1e-9, 1e9),
    volume=st.sampled_from([0.0, 1e-9, 1.0, 1e15]),
    count=st.integers(MIN_MINUTES + 1, 700),
)
def test_any_market_gives_an_index_within_bounds(seed, scale, price, volume, count):
    rng = np.random.default_rng(seed)
    rows = {}
    for symbol in SYMBOLS:
        closes = np.clip(price * np.exp(np.cumsum(rng.normal(0, scale, count))), 1e-12, 1e12)
        some = np.empty((count, 7))
        some[:, 0] = MINUTE_MS * np.arange(count)
        some[:, [OPEN, HIGH, LOW, CLOSE]] = closes[:, None]
        some[:, VOLUME] = volume * rng.integers(0, 3, count)
        some[:, QUOTE_VOLUME] = some[:, VOLUME] * closes
        rows[symbol] = some[rng.random(count) > 0.1] if symbol == "LTC" else some
    found = read(rows)
    assert 0 <= found.index <= 100
    assert 0 <= found.confidence <= 1
    assert all(0 <= score <= 100 for score in found.components.values())


def test_many_symbols_are_read_in_groups_and_say_the_same(candles, monkeypatch):
    symbols = tuple(f"S{number}" for number in range(GROUP_SYMBOLS + 7))
    rows = market(candles, symbols=symbols)
    # One comes late, one has nothing, and one lacks the newest minute.
    rows["S3"], rows["S5"], rows["S25"] = rows["S3"][300:], rows["S5"][:0], rows["S25"][:-1]
    pauses = []
    engine = SentimentEngine(symbols, lambda: pauses.append(1))
    engine.rebuild(rows)
    apart = engine.read()
    assert len(pauses) == 2
    monkeypatch.setattr(sentiment, "GROUP_SYMBOLS", len(symbols))
    together = read(rows, symbols)
    assert apart.time_ms == together.time_ms
    assert apart.trending_topics == together.trending_topics
    assert apart.confidence == pytest.approx(together.confidence)
    assert apart.components == pytest.approx(together.components)
