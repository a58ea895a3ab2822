import numpy as np
import pytest
import talib

from backend.analysis.indicators import WINDOW_LENGTH, Readings
from backend.analysis.rows import KEPT_COLUMNS, MIN_CANDLES, CandleRows
from backend.market.models import CLOSE, HIGH, LOW, VOLUME
from tests.analysis.conftest import readings_through

SETTLED = 600  # by then what an average began with is forgotten
NONE = np.full((len(KEPT_COLUMNS), 1), np.nan)
FIRST = np.array([0])


def ago(values, count=1):
    return np.concatenate((np.full(count, np.nan), values[:-count]))


def by_ta_lib(candles):
    """The same indicators by TA-Lib's batch functions, as arrays by field of `Readings`."""
    high, low, close, volume = (candles[:, i].copy() for i in (HIGH, LOW, CLOSE, VOLUME))
    found = {"close": close}
    for name, function in (("sma", talib.SMA), ("ema", talib.EMA)):
        found[name] = np.array([function(close, n) for n in (10, 20, 30, 50, 100, 200)])
    found["hma"] = talib.HMA(close, 9)
    found["vwma"] = talib.VWMA(close, volume, 20)
    for name, period in (("conversion_line", 9), ("base_line", 26), ("span_b", 52)):
        found[name] = talib.MIDPRICE(high, low, period)
    found["lead_a"] = ago((found["conversion_line"] + found["base_line"]) / 2, 26)
    found["lead_b"] = ago(found["span_b"], 26)
    found["rsi"] = talib.RSI(close, 14)
    found["stoch_k"], found["stoch_d"] = talib.STOCH(high, low, close, 14, 3, 0, 3, 0)
    found["cci"] = talib.CCI(close, close, close, 20)
    found["adx"] = talib.ADX(high, low, close, 14)
    found["plus_di"] = talib.PLUS_DI(high, low, close, 14)
    found["minus_di"] = talib.MINUS_DI(high, low, close, 14)
    found["ao"] = talib.AO(high, low, 5, 34)
    found["momentum"] = talib.MOM(close, 10)
    found["macd"], found["macd_signal"], _ = talib.MACD(close, 12, 26, 9)
    _, found["stoch_rsi_k"] = talib.STOCHRSI(close, 14, 14, 3, 0)
    found["stoch_rsi_d"] = talib.SMA(found["stoch_rsi_k"], 3)
    found["bull_power"], found["bear_power"] = talib.ERI(high, low, close, 13)
    found["williams_r"] = talib.WILLR(high, low, close, 14)
    found["ultimate"] = talib.ULTOSC(high, low, close, 7, 14, 28)
    found["atr"] = talib.ATR(high, low, close, 14)
    found["change"] = close - ago(close)
    found["channel_high"], _, found["channel_low"] = map(ago, talib.DONCHIAN(high, low, 20))
    usual, spread = talib.SMA(volume, 60), talib.STDDEV(volume, 60)
    found["surge"] = (volume - ago(usual)) / ago(spread)
    for name in Readings._fields:
        if name.endswith("_before"):
            found[name] = ago(found[name.removesuffix("_before")])
    found["ao_earlier"] = ago(found["ao"], 2)
    found["moved"] = np.full(len(close), True)
    return found


def test_readings_equal_those_of_ta_lib(candles):
    rows = candles(count=900)
    expected = by_ta_lib(rows)
    found = readings_through(rows)
    assert set(expected) == set(Readings._fields)
    for name, values in found._asdict().items():
        np.testing.assert_allclose(
            values[..., SETTLED:], expected[name][..., SETTLED:], rtol=1e-9, atol=1e-9, err_msg=name
        )


@pytest.mark.parametrize(
    ("name", "first"),
    [("sma", 200), ("ema", 200), ("adx", 28), ("macd_signal", 34), ("rsi", 15), ("lead_b", 78)],
)
def test_an_indicator_without_enough_candles_reads_nan_and_joins_later(candles, name, first):
    values = getattr(readings_through(candles(count=250)), name)
    newest = values[-1] if values.ndim == 2 else values
    assert np.isnan(newest).tolist() == [True] * (first - 1) + [False] * (250 - first + 1)


def columns(rows):
    """Candles (n, 7) as the four numbers that travel, each (4, 1)."""
    return [row[list(KEPT_COLUMNS)][:, np.newaxis] for row in rows]


def assert_same(one, other):
    for name, values, expected in zip(Readings._fields, one, other, strict=True):
        np.testing.assert_allclose(values, expected, rtol=1e-9, atol=1e-9, err_msg=name)


def at(readings, place):
    return Readings(*(values[..., [place]] for values in readings))


@pytest.mark.parametrize("opened_with", [0, 1, 2, 57, 60, 199, 202, 350])
def test_rows_kept_up_equal_rows_read_anew(candles, opened_with):
    rows = candles(count=400)
    whole = readings_through(rows)
    kept = CandleRows(1)
    kept.load(0, rows[:opened_with])
    for number, candle in enumerate(columns(rows[opened_with:]), opened_with):
        kept.close(FIRST, candle)
        if number >= MIN_CANDLES and (number % 40 == 0 or number > 380):
            assert_same(kept.read(FIRST, NONE, NONE), at(whole, number))


@pytest.mark.parametrize("count", [62, 100, 199, 200, 201, 400])
def test_candles_in_hand_count_as_if_they_closed_and_change_nothing(candles, count):
    rows = candles(count=count)
    whole = readings_through(rows)
    kept = CandleRows(1)
    kept.load(0, rows[:-2])
    complete, forming = columns(rows[-2:])
    for _ in range(2):
        assert_same(kept.read(FIRST, complete, forming), at(whole, count - 1))
        assert_same(kept.read(FIRST, complete, NONE), at(whole, count - 2))
        assert_same(kept.read(FIRST, NONE, complete), at(whole, count - 2))
        assert_same(kept.read(FIRST, NONE, NONE), at(whole, count - 3))


def test_rows_are_read_together_as_each_by_itself(candles):
    histories = [candles(seed=seed, count=count) for seed, count in enumerate((90, 150, 260, 500))]
    kept = CandleRows(len(histories))
    complete, forming = (np.full((len(KEPT_COLUMNS), len(histories)), np.nan) for _ in range(2))
    expected = []
    for row, (rows, in_hand) in enumerate(zip(histories, (0, 1, 2, 1), strict=True)):
        kept.load(row, rows[: len(rows) - in_hand])
        newest = columns(rows)[-in_hand:] if in_hand else []
        if in_hand == 2:
            complete[:, [row]] = newest[0]
        if in_hand:
            forming[:, [row]] = newest[-1]
        expected.append(at(readings_through(rows), len(rows) - 1))
    found = kept.read(np.arange(len(histories)), complete, forming)
    for row, alone in enumerate(expected):
        assert_same(at(found, row), alone)


@pytest.mark.parametrize("price", [1e-9, 1e9])
def test_an_asset_of_a_billionth_of_a_dollar_moves_like_any_other(candles, price):
    usual, other = (readings_through(candles(price=value)) for value in (1.0, price))
    for name in ("rsi", "stoch_k", "cci", "adx", "plus_di", "stoch_rsi_d", "ultimate"):
        np.testing.assert_allclose(
            getattr(other, name)[WINDOW_LENGTH:], getattr(usual, name)[WINDOW_LENGTH:], rtol=1e-6
        )
