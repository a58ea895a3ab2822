"""A rating made from a timeframe's candles: its votes, and its score as the board has it."""

import numpy as np
import pytest

from backend.analysis.levels import level_of
from backend.analysis.rating import MOVING_AVERAGES, OSCILLATORS
from backend.analysis.rows import MIN_CANDLES
from backend.analysis.signal_board import SignalBoard
from backend.analysis.timeframe_rating import rated
from backend.clock import HOUR_MS, MINUTE_MS
from backend.market.candles import roll_up
from backend.market.models import CLOSE, OPEN_TIME

TIMEFRAMES = {"1m": MINUTE_MS, "15m": 15 * MINUTE_MS, "1h": HOUR_MS}


@pytest.mark.parametrize("timeframe", TIMEFRAMES)
@pytest.mark.parametrize("minutes", [4 * 1440, 4 * 1440 - 47])
def test_its_score_is_that_of_the_board(candles, timeframe, minutes):
    rows = candles(seed=5, count=minutes)
    board = SignalBoard(("BTC",), TIMEFRAMES)
    board.load("BTC", rows)
    (said,) = board.assess(timeframe, {"BTC": None}, {"BTC": 0})
    found = rated(timeframe, roll_up(rows, TIMEFRAMES[timeframe]))
    newest = rows[-1, OPEN_TIME]
    assert (found.timeframe, found.candle_ms) == (
        timeframe,
        newest - newest % TIMEFRAMES[timeframe],
    )
    assert found.score == pytest.approx(said.score)
    assert found.level is level_of(found.score)


def test_it_has_every_vote_by_name_and_the_means_of_its_groups(candles):
    found = rated("1m", candles(seed=1, count=1440))
    groups = (found.moving_averages, found.oscillators)
    for group, names in zip(groups, (MOVING_AVERAGES, OSCILLATORS), strict=True):
        assert tuple(one.name for one in group.votes) == names
        cast = [one.vote for one in group.votes if one.vote is not None]
        assert group.score == pytest.approx(np.mean(cast))
        assert sum(group.count(vote) for vote in (1, 0, -1)) == len(cast)
    assert found.score == pytest.approx(np.mean([group.score for group in groups]))


def test_an_average_without_enough_candles_has_neither_value_nor_vote(candles):
    rows = candles(seed=1, count=4 * 1440)
    votes = rated("1h", roll_up(rows, HOUR_MS)).moving_averages.votes
    found = {one.name: one for one in votes}
    assert (found["SMA 200"].value, found["SMA 200"].vote) == (None, None)
    assert found["SMA 50"].value == pytest.approx(rows[59::60, CLOSE][-50:].mean())


def test_there_is_none_before_enough_candles_have_closed(candles):
    rows = candles(count=MIN_CANDLES + 1)
    assert rated("1m", rows) is not None
    assert rated("1m", rows[1:]) is None
    assert rated("1m", rows[:0]) is None
