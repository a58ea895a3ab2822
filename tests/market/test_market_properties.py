"""What holds of the market whatever a feed says to it."""

from dataclasses import replace
from math import isfinite

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from backend.market.candles import candle_row
from backend.market.market import Market
from backend.market.models import BookTop, Candle, DayStatistics, Trade
from backend.market.validation import candle_fault, candle_faults
from tests.clocks import ManualClock

MINUTE = 60_000
START = 1_700_000_040_000
SYMBOLS = ("BTC", "ETH")


doubtful = st.one_of(
    st.floats(0.01, 1e6),
    st.floats(0.01, 1e6),
    st.sampled_from([float("nan"), float("inf"), float("-inf"), 0.0, -1.0, 1e300, 5e-324]),
)
times = st.one_of(
    st.integers(START - 5 * MINUTE, START + 90 * MINUTE),
    st.integers(START, START + 30 * 24 * 60 * MINUTE),
    st.sampled_from([0, -1, 2**62, START]),
)
symbols = st.sampled_from([*SYMBOLS, "BTC", "NOPE"])
trades = st.builds(
    Trade, symbols, times, doubtful, doubtful, st.one_of(st.none(), st.integers(0, 50))
)
candles = st.builds(
    Candle,
    times.map(lambda time_ms: time_ms - time_ms % MINUTE),
    doubtful,
    doubtful,
    doubtful,
    doubtful,
    doubtful,
    doubtful,
)
good_candles = st.builds(
    lambda minute, a, b, volume: Candle(
        START + minute * MINUTE, a, max(a, b), min(a, b), b, volume, volume * a
    ),
    st.integers(0, 100),
    st.floats(1, 100),
    st.floats(1, 100),
    st.floats(0, 100),
)
# Good but for one field: what a careless check would let through.
spoilt_candles = st.builds(
    lambda candle, spoilt: replace(candle, **spoilt),
    good_candles,
    st.dictionaries(
        st.sampled_from(["open", "high", "low", "close", "volume", "quote_volume"]),
        st.one_of(doubtful, st.floats(1, 100)),
        min_size=1,
        max_size=1,
    ),
)
statistics = st.builds(DayStatistics, symbols, times, doubtful, doubtful, doubtful)
books = st.builds(BookTop, symbols, doubtful, doubtful)
histories = st.lists(st.one_of(candles, good_candles, spoilt_candles), max_size=8).map(
    lambda given: np.array([candle_row(candle) for candle in given]).reshape(-1, 7)
)
events = st.one_of(
    trades,
    trades,
    st.tuples(symbols, st.one_of(candles, good_candles, spoilt_candles)),
    statistics,
    books,
    st.tuples(symbols, histories),
)


def say(market, event):
    match event:
        case Trade():
            market.apply_trade(event)
        case DayStatistics():
            market.apply_statistics(event)
        case BookTop():
            market.apply_book(event)
        case (symbol, Candle() as candle):
            market.apply_candle(symbol, candle)
        case (symbol, history):
            market.load_history(symbol, history)


@given(st.lists(events, max_size=60))
def test_candles_stay_consistent_and_quotes_finite_whatever_is_said(said):
    market = Market(SYMBOLS, ManualClock(START))
    seen = dict.fromkeys(SYMBOLS, (0, 0))
    for event in said:
        say(market, event)
        for symbol in SYMBOLS:
            quote = market.quote(symbol)
            if quote is None:
                continue
            assert 0 < quote.price < float("inf")
            assert isfinite(quote.change_24h) and isfinite(quote.volume_24h)
            assert quote.seq >= seen[symbol][0] and quote.time_ms >= seen[symbol][1]
            seen[symbol] = quote.seq, quote.time_ms
            assert (quote.bid is None) == (quote.ask is None)
            assert quote.bid is None or 0 < quote.bid <= quote.ask < float("inf")
    for symbol in SYMBOLS:
        rows = market.candles(symbol, "1m", 10_000)
        assert (np.diff(rows[:, 0]) > 0).all()
        assert (rows[:, 0] % MINUTE == 0).all()
        assert (rows[:, 3] > 0).all()
        assert (rows[:, 3] <= rows[:, [1, 4]].min(axis=1)).all()
        assert (rows[:, 2] >= rows[:, [1, 4]].max(axis=1)).all()
        assert np.isfinite(rows).all()
    assert not market.listener_errors


honest_trades = st.lists(
    st.tuples(
        st.sampled_from(SYMBOLS),
        st.integers(0, 40_000),
        st.one_of(doubtful, st.floats(1, 100)),
        st.floats(0.1, 10),
    ),
    max_size=80,
)


@given(honest_trades)
def test_candles_are_what_the_accepted_trades_were_and_seq_counts_them(said):
    """Trades in order of time, some of them nonsense: an independent count of the rest."""
    market = Market(SYMBOLS, ManualClock(START))
    time_ms = START
    expected: dict[str, dict[int, list[tuple[float, float]]]] = {name: {} for name in SYMBOLS}
    accepted = dict.fromkeys(SYMBOLS, 0)
    for number, (symbol, step_ms, price, quantity) in enumerate(said):
        time_ms += step_ms
        market.apply_trade(Trade(symbol, time_ms, price, quantity, number))
        if 0.01 <= price <= 1e6:
            minute = time_ms // MINUTE * MINUTE
            expected[symbol].setdefault(minute, []).append((price, quantity))
            accepted[symbol] += 1
    for symbol in SYMBOLS:
        quote = market.quote(symbol)
        assert (quote.seq if quote else 0) == accepted[symbol]
        rows = [
            [
                minute,
                made[0][0],
                max(price for price, _ in made),
                min(price for price, _ in made),
                made[-1][0],
                sum(quantity for _, quantity in made),
                sum(price * quantity for price, quantity in made),
            ]
            for minute, made in expected[symbol].items()
        ]
        np.testing.assert_allclose(
            market.candles(symbol), np.array(rows).reshape(-1, 7), rtol=1e-12
        )
    assert sum(accepted.values()) + sum(market.drops.values()) == len(said)


@given(
    st.dictionaries(st.integers(0, 4500), st.floats(1, 1000), min_size=1, max_size=120),
    st.floats(1, 1000),
)
def test_day_figures_equal_an_independent_computation_over_gaps(closes, volume):
    market = Market(SYMBOLS, ManualClock(START))
    known: list[tuple[int, float, float]] = []
    for minute, close in sorted(closes.items()):
        candle = Candle(START + minute * MINUTE, close, close, close, close, 1.0, volume * close)
        market.apply_candle("BTC", candle)
        market.apply_trade(Trade("ETH", START + minute * MINUTE + 59_999, 1.0, 1.0))
        known.append((minute, close, volume * close))
        before = [row for row in known if row[0] <= minute - 1440]
        reference = before[-1][1] if before else known[0][1]
        quote = market.quote("BTC")
        window = [row[2] for row in known if row[0] > minute - 1440]
        assert abs(quote.change_24h - (close / reference - 1) * 100) < 1e-4
        assert abs(quote.volume_24h - sum(window)) < 0.01 + 1e-9 * sum(window)


@given(st.lists(st.one_of(candles, good_candles, spoilt_candles), max_size=20))
def test_one_candle_and_many_are_judged_alike(judged):
    rows = np.array([candle_row(candle) for candle in judged]).reshape(-1, 7)
    masks = candle_faults(rows)
    for index, candle in enumerate(judged):
        named = [reason for reason, mask in masks.items() if mask[index]]
        assert named == ([fault] if (fault := candle_fault(candle_row(candle))) else [])
