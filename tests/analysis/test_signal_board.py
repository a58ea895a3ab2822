"""What is said of symbols and timeframes, with its votes and reasons."""

import json

import numpy as np
import pytest

from backend.analysis.signal_board import SignalBoard
from backend.analysis.timeframe_rating import rated
from backend.clock import HOUR_MS, MINUTE_MS
from backend.market.candles import roll_up, row_candle
from backend.market.models import CLOSE, HIGH, LOW, OPEN, VOLUME, SignalReason

SYMBOLS = ("BTC", "ETH", "ADA")
TIMEFRAMES = {"1m": MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": HOUR_MS}
TIMES = dict.fromkeys(SYMBOLS, 77)
# No minute is forming.
CLOSED = dict.fromkeys(SYMBOLS)


@pytest.fixture
def histories(candles):
    """Four days of two symbols; the third has too little for more than minutes."""
    return {
        "BTC": candles(seed=1, count=4 * 1440),
        "ETH": candles(seed=2, count=4 * 1440, price=3.0),
        "ADA": candles(seed=3, count=4 * 1440)[-90:],
    }


def board_of(histories):
    board = SignalBoard(SYMBOLS, TIMEFRAMES)
    for symbol, rows in histories.items():
        board.load(symbol, rows)
    return board


def test_a_signal_is_said_of_each_symbol_with_enough_candles(histories):
    board = board_of(histories)
    said = board.assess("1h", CLOSED, TIMES)
    assert [one.symbol for one in said] == ["BTC", "ETH"]
    for one in said:
        assert (one.timeframe, one.time_ms) == ("1h", 77)
        assert one.price == histories[one.symbol][-1, CLOSE]
        rated_now = rated("1h", roll_up(histories[one.symbol], HOUR_MS))
        assert one.score == pytest.approx(rated_now.score)
        assert one.level is board.levels(one.symbol)["1h"]
        assert 0.5 <= one.strength <= 1
    assert [one.symbol for one in board.assess("1m", CLOSED, TIMES)] == list(SYMBOLS)


def test_the_forming_minute_brings_the_price_and_moves_no_level(histories):
    board = board_of({symbol: rows[:-1] for symbol, rows in histories.items()})
    before = {one.symbol: one.level for one in board.assess("15m", CLOSED, TIMES)}
    forming = {symbol: row_candle(rows[-1]) for symbol, rows in histories.items()}
    said = board.assess("15m", forming, TIMES)
    assert {one.symbol: one.level for one in said} == before
    for one in said:
        assert one.price == histories[one.symbol][-1, CLOSE]


def test_followed_minute_by_minute_it_says_the_same(histories, each):
    whole, followed = board_of(histories), board_of({s: h[:-300] for s, h in histories.items()})
    for symbol, rows in histories.items():
        for candle in each(rows)[-300:] if symbol != "ADA" else each(rows):
            followed.update(symbol, candle)
            followed.update(symbol, candle)
    for one, other in zip(
        whole.assess("15m", CLOSED, TIMES), followed.assess("15m", CLOSED, TIMES), strict=True
    ):
        assert (one.symbol, one.level, one.reason) == (other.symbol, other.level, other.reason)
        assert one.score == pytest.approx(other.score)


def test_levels_are_restored(histories):
    board = board_of(histories)
    board.changes()
    restored = SignalBoard(SYMBOLS, TIMEFRAMES)
    for symbol, rows in histories.items():
        restored.restore(symbol, json.loads(json.dumps(board.state(symbol))))
        restored.load(symbol, rows)
    assert restored.changes() == {}
    assert restored.assess("1h", CLOSED, TIMES) == board.assess("1h", CLOSED, TIMES)


@pytest.mark.parametrize("above", [False, True])
def test_a_pivot_next_to_the_price_is_the_reason(candles, above):
    """Yesterday's high, low and close are set so that its pivot lies a hair from today's price."""
    rows = candles(count=1440 + 300, step=2e-5)
    rows[1440:, OPEN:VOLUME] *= np.exp((-1e-4 if above else 1e-4) * np.arange(300))[:, None]
    price = rows[-1, CLOSE]
    pivot = price * (1 + (1e-7 if above else -1e-7))
    rows[:1440, OPEN:VOLUME] = pivot
    rows[700, HIGH], rows[700, LOW] = pivot * 1.5, pivot * 0.5
    rows[:, VOLUME] = 1.0
    board = SignalBoard(("BTC",), {"1m": MINUTE_MS})
    board.load("BTC", rows)
    (said,) = board.assess("1m", {"BTC": None}, TIMES)
    assert said.reason is (SignalReason.RESISTANCE if above else SignalReason.SUPPORT)
