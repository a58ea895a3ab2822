"""What is said of symbols and timeframes, with its votes and reasons."""

import json

import numpy as np
import pytest

from backend.analysis.rating import MOVING_AVERAGES, OSCILLATORS
from backend.analysis.signal_board import SignalBoard
from backend.clock import HOUR_MS, MINUTE_MS
from backend.market.candles import row_candle
from backend.market.models import CLOSE, HIGH, LOW, OPEN, OPEN_TIME, VOLUME, SignalReason

SYMBOLS = ("BTC", "ETH", "ADA")
TIMEFRAMES = {"1m": MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": HOUR_MS}
TIMES = dict.fromkeys(SYMBOLS, 77)


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
    said = board.assess("1h", {}, TIMES)
    assert [one.symbol for one in said] == ["BTC", "ETH"]
    for one in said:
        assert (one.timeframe, one.time_ms) == ("1h", 77)
        assert one.price == histories[one.symbol][-1, CLOSE]
        rated = board.ratings(one.symbol)["1h"]
        assert (one.level, one.score) == (rated.level, pytest.approx(rated.score))
        assert 0.5 <= one.strength <= 1
    assert [one.symbol for one in board.assess("1m", {}, TIMES)] == list(SYMBOLS)


def test_the_forming_minute_brings_the_price_and_moves_no_level(histories):
    board = board_of({symbol: rows[:-1] for symbol, rows in histories.items()})
    before = {one.symbol: one.level for one in board.assess("15m", {}, TIMES)}
    forming = {symbol: row_candle(rows[-1]) for symbol, rows in histories.items()}
    said = board.assess("15m", forming, TIMES)
    assert {one.symbol: one.level for one in said} == before
    for one in said:
        assert one.price == histories[one.symbol][-1, CLOSE]


def test_a_rating_has_every_vote_by_name_and_the_means_of_its_groups(histories):
    board = board_of(histories)
    assert board.ratings("ADA")["1h"] is None
    for timeframe, rated in board.ratings("BTC").items():
        groups = (rated.moving_averages, rated.oscillators)
        assert rated.timeframe == timeframe
        for group, names in zip(groups, (MOVING_AVERAGES, OSCILLATORS), strict=True):
            assert tuple(one.name for one in group.votes) == names
            cast = [one.vote for one in group.votes if one.vote is not None]
            assert group.score == pytest.approx(np.mean(cast))
            assert sum(group.count(vote) for vote in (1, 0, -1)) == len(cast)
        assert rated.score == pytest.approx(np.mean([group.score for group in groups]))


def test_an_average_without_enough_candles_has_neither_value_nor_vote(histories):
    rated = board_of(histories).ratings("BTC")["1h"]
    found = {one.name: one for one in rated.moving_averages.votes}
    assert (found["SMA 200"].value, found["SMA 200"].vote) == (None, None)
    closes = histories["BTC"][59::60, CLOSE]
    assert found["SMA 50"].value == pytest.approx(closes[-50:].mean())


def test_a_rating_names_the_candle_in_hand(histories):
    board = board_of(histories)
    newest = histories["BTC"][-1, OPEN_TIME]
    found = board.ratings("BTC")
    assert found["1m"].candle_ms == newest
    assert found["1h"].candle_ms == newest - newest % HOUR_MS
    forming = row_candle(histories["BTC"][-1] + np.array([MINUTE_MS, 0, 0, 0, 0, 0, 0]))
    assert board.ratings("BTC", forming)["1h"].candle_ms == newest + MINUTE_MS


def test_followed_minute_by_minute_it_says_the_same(histories, each):
    whole, followed = board_of(histories), board_of({s: h[:-300] for s, h in histories.items()})
    for symbol, rows in histories.items():
        for candle in each(rows)[-300:] if symbol != "ADA" else each(rows):
            followed.update(symbol, candle)
            followed.update(symbol, candle)
    for one, other in zip(
        whole.assess("15m", {}, TIMES), followed.assess("15m", {}, TIMES), strict=True
    ):
        assert (one.symbol, one.level, one.reason) == (other.symbol, other.level, other.reason)
        assert one.score == pytest.approx(other.score)


def test_levels_are_restored(histories):
    board = board_of(histories)
    board.changes()
    restored = SignalBoard(SYMBOLS, TIMEFRAMES)
    restored.restore(json.loads(json.dumps(board.state())))
    for symbol, rows in histories.items():
        restored.load(symbol, rows)
    assert restored.changes() == []
    assert restored.assess("1h", {}, TIMES) == board.assess("1h", {}, TIMES)


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
    (said,) = board.assess("1m", {}, TIMES)
    assert said.reason is (SignalReason.RESISTANCE if above else SignalReason.SUPPORT)
