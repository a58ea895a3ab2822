"""A rating made from a timeframe's candles is the one that is kept up minute by minute."""

import pytest

from backend.analysis.levels import level_of
from backend.analysis.rows import MIN_CANDLES
from backend.analysis.signal_board import SignalBoard
from backend.analysis.timeframe_rating import rated
from backend.clock import HOUR_MS, MINUTE_MS
from backend.market.candles import roll_up

TIMEFRAMES = {"1m": MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": HOUR_MS}


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize("minutes", [4 * 1440, 4 * 1440 - 47])
def test_it_is_that_of_the_board(candles, timeframe, minutes):
    rows = candles(seed=5, count=minutes)
    board = SignalBoard(("BTC",), TIMEFRAMES)
    board.load("BTC", rows)
    expected = board.ratings("BTC")[timeframe]
    found = rated(timeframe, roll_up(rows, TIMEFRAMES[timeframe]))
    assert (found.timeframe, found.candle_ms) == (timeframe, expected.candle_ms)
    assert found.score == pytest.approx(expected.score)
    assert found.level is level_of(found.score)
    for one, other in (
        (found.moving_averages, expected.moving_averages),
        (found.oscillators, expected.oscillators),
    ):
        assert one.score == pytest.approx(other.score)
        assert [vote.name for vote in one.votes] == [vote.name for vote in other.votes]
        assert [vote.vote for vote in one.votes] == [vote.vote for vote in other.votes]
        values = [vote.value for vote in other.votes]
        assert [vote.value for vote in one.votes] == pytest.approx(values)


def test_there_is_none_before_enough_candles_have_closed(candles):
    rows = candles(count=MIN_CANDLES + 1)
    assert rated("1m", rows) is not None
    assert rated("1m", rows[1:]) is None
    assert rated("1m", rows[:0]) is None
