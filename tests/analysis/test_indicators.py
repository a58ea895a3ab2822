import math

import pytest
import talib

from backend.analysis.indicators import WARM_UP_CANDLES, IndicatorSet, Readings
from backend.market.models import CLOSE, HIGH, LOW, VOLUME


def batch(candles, scale):
    """The same indicators by TA-Lib's batch functions, as arrays by field of `Readings`."""
    high, low, close = (candles[:, i] * scale for i in (HIGH, LOW, CLOSE))
    volume = candles[:, VOLUME].copy()
    found = {"close": close}
    for period in (10, 20, 30, 50, 100, 200):
        found[f"sma_{period}"] = talib.SMA(close, period)
        found[f"ema_{period}"] = talib.EMA(close, period)
    found["hma_9"] = talib.HMA(close, 9)
    found["vwma_20"] = talib.VWMA(close, volume, 20)
    for name, period in (("conversion_line", 9), ("base_line", 26), ("span_b", 52)):
        found[name] = talib.MIDPRICE(high, low, period)
    found["rsi"] = talib.RSI(close, 14)
    found["stoch_k"], found["stoch_d"] = talib.STOCH(high, low, close, 14, 3, 0, 3, 0)
    found["cci"] = talib.CCI(close, close, close, 20)
    found["adx"] = talib.ADX(high, low, close, 14)
    found["plus_di"] = talib.PLUS_DI(high, low, close, 14)
    found["minus_di"] = talib.MINUS_DI(high, low, close, 14)
    found["ao"] = talib.AO(high, low, 5, 34)
    found["momentum"] = talib.MOM(close, 10)
    found["macd"], found["macd_signal"], found["macd_histogram"] = talib.MACD(close, 12, 26, 9)
    found["bull_power"], found["bear_power"] = talib.ERI(high, low, close, 13)
    found["williams_r"] = talib.WILLR(high, low, close, 14)
    found["ultimate"] = talib.ULTOSC(high, low, close, 7, 14, 28)
    found["atr"] = talib.ATR(high, low, close, 14)
    found["high_20"], found["middle_20"], found["low_20"] = talib.DONCHIAN(high, low, 20)
    found["high_8"], found["middle_8"], found["low_8"] = talib.DONCHIAN(high, low, 8)
    found["volume_mean"] = talib.SMA(volume, 60)
    found["volume_deviation"] = talib.STDDEV(volume, 60)
    _, found["stoch_rsi_k"] = talib.STOCHRSI(close, 14, 14, 3, 0)
    found["stoch_rsi_d"] = talib.SMA(found["stoch_rsi_k"], 3)
    return found


def assert_same(readings, expected, row):
    for name, value in readings._asdict().items():
        wanted = expected[name][row]
        assert (math.isnan(value) and math.isnan(wanted)) or value == pytest.approx(
            wanted, rel=1e-9, abs=1e-9
        ), name


def test_every_field_is_checked_against_the_batch_functions(candles):
    assert set(batch(candles(count=300), 1.0)) == set(Readings._fields)


@pytest.mark.parametrize("opened_with", [0, 1, 57, 202, 350])
def test_streamed_readings_equal_the_batch_functions(candles, each, opened_with):
    rows = candles(count=400)
    indicators = IndicatorSet()
    indicators.rebuild(rows[:opened_with])
    for number, candle in enumerate(each(rows)[opened_with:], opened_with):
        indicators.update(candle)
        if number % 40 == 0 or number > 380:
            expected = batch(rows[: number + 1], indicators.scale)
            for back in range(len(indicators.history)):
                assert_same(indicators.history[-1 - back], expected, number - back)


def test_peeking_equals_closing_and_changes_nothing(candles, each):
    rows = candles(count=320, seed=5)
    *closed, forming = each(rows)
    indicators = IndicatorSet()
    indicators.rebuild(rows[:250])
    for candle in closed[250:]:
        indicators.update(candle)
    before = list(indicators.history)
    peeked = [indicators.peek(forming) for _ in range(3)]
    assert peeked[0] == peeked[1] == peeked[2]
    assert indicators.history == before
    indicators.update(forming)
    assert indicators.history[-1] == pytest.approx(peeked[0], rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("count", [61, 100, 200, 201, 202, 203])
def test_an_item_joins_with_the_forming_candle(candles, each, count):
    rows = candles(count=count)
    rows[-1, [2, 4]] *= 3  # beyond the next power of two
    indicators = IndicatorSet()
    indicators.rebuild(rows[:-1])
    assert_same(indicators.peek(each(rows)[-1]), batch(rows, indicators.scale), -1)


def test_an_indicator_without_enough_candles_reads_nan_and_joins_later(candles, each):
    indicators = IndicatorSet()
    seen = []
    for candle in each(candles(count=WARM_UP_CANDLES)):
        indicators.update(candle)
        seen.append(indicators.history[-1])
    assert [math.isnan(reading.sma_10) for reading in seen].count(True) == 9
    assert [math.isnan(reading.sma_200) for reading in seen].count(True) == 199
    assert not any(map(math.isnan, seen[-1]))


@pytest.mark.parametrize("price", [1e-9, 1e9])
def test_an_asset_of_a_billionth_of_a_dollar_moves_like_any_other(candles, price):
    usual, other = IndicatorSet(), IndicatorSet()
    usual.rebuild(candles(price=1.0))
    other.rebuild(candles(price=price))
    now, expected = other.history[-1], usual.history[-1]
    for name in ("rsi", "stoch_k", "cci", "adx", "plus_di", "stoch_rsi_d", "ultimate"):
        assert getattr(now, name) == pytest.approx(getattr(expected, name), rel=1e-6), name
    assert now.macd / now.atr == pytest.approx(expected.macd / expected.atr, rel=1e-6)
