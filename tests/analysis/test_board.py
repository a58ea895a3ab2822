"""Ratings of every timeframe, however the minutes are handed over."""

import json

import numpy as np
import pytest

from backend.analysis.board import RatingBoard
from backend.analysis.rating import scores
from backend.analysis.rows import KEPT_COLUMNS, scores_each_minute
from backend.clock import DAY_MS, HOUR_MS, MINUTE_MS
from backend.market.candles import INTERVALS, roll_up
from backend.market.models import OPEN_TIME
from tests.analysis.conftest import readings_through

TIMEFRAMES = {name: INTERVALS[name] for name in ("1m", "5m", "15m", "1h")}
SYMBOLS = ("BTC", "ETH")


def columns(row):
    return np.array(row)[list(KEPT_COLUMNS)][:, np.newaxis]


def rate(board, symbol, forming=None):
    """The scores of a symbol's rows, the forming minute (7,) counted in."""
    rows = board.rows(symbol)
    count = len(rows)
    if forming is None:
        none = np.full((len(KEPT_COLUMNS), count), np.nan)
        return scores(board.read(rows, none, np.full(count, np.nan)))
    opened = np.full(count, forming[OPEN_TIME])
    return scores(board.read(rows, columns(forming).repeat(count, axis=1), opened))


def whole(minutes):
    """The rating of each timeframe by its rolled-up candles, the last as it stands."""
    return [
        scores(readings_through(roll_up(minutes, interval)))[-1] for interval in TIMEFRAMES.values()
    ]


def in_order(*parts):
    """What was said of all symbols, one part after the other: by symbol, time and timeframe,
    without the last digits of scores."""
    return sorted(
        (symbol, time_ms, timeframe, level, round(score, 9), price)
        for part in parts
        for symbol, changes in part.items()
        for time_ms, timeframe, level, score, price in changes.tolist()
    )


@pytest.fixture
def minutes(candles):
    """Three days with quiet minutes in them, among them the last of some hours."""
    rows = candles(count=3 * 1440 + 40, seed=4)
    quiet = np.random.default_rng(1).random(len(rows)) < 0.2
    quiet[59 : len(rows) : 180] = True
    return rows[~quiet]


def board_of(minutes, each=None, followed=()):
    board = RatingBoard(SYMBOLS, TIMEFRAMES)
    board.load("BTC", minutes)
    for candle in each(followed) if each else ():
        board.update("BTC", candle)
    return board


@pytest.mark.parametrize("back", range(1, 90, 7))
def test_a_rating_is_that_of_the_timeframes_candles(minutes, back):
    minutes = minutes[: len(minutes) - back]
    np.testing.assert_allclose(rate(board_of(minutes), "BTC"), whole(minutes), atol=1e-12)


@pytest.mark.parametrize("back", range(1, 90, 7))
def test_the_forming_minute_counts_as_if_it_closed_now(minutes, back):
    *closed, forming = minutes[: len(minutes) - back]
    board = board_of(np.array(closed))
    expected = whole(minutes[: len(minutes) - back])
    for _ in range(2):
        np.testing.assert_allclose(rate(board, "BTC", forming), expected, atol=1e-12)
    np.testing.assert_allclose(rate(board, "BTC"), whole(np.array(closed)), atol=1e-12)


def test_a_forming_minute_that_has_closed_since_is_not_counted_twice(minutes):
    board = board_of(minutes)
    np.testing.assert_array_equal(rate(board, "BTC", minutes[-1]), rate(board, "BTC"))


@pytest.mark.parametrize("split", [0, 1, 800, 3000])
def test_it_does_not_matter_how_the_minutes_were_handed_over(minutes, each, split):
    followed, loaded = board_of(minutes[:split], each, minutes[split:]), board_of(minutes)
    np.testing.assert_allclose(rate(followed, "BTC"), rate(loaded, "BTC"), atol=1e-12)
    assert in_order(followed.changes()) == in_order(loaded.changes())


def test_symbols_do_not_disturb_each_other(minutes, candles, each):
    board = RatingBoard(SYMBOLS, TIMEFRAMES)
    other = candles(count=600, seed=9)
    board.load("BTC", minutes[:2000])
    for one, two in zip(each(minutes[2000:2600]), each(other), strict=True):
        board.update("ETH", two)
        board.update("BTC", one)
    np.testing.assert_allclose(rate(board, "BTC"), whole(minutes[:2600]), atol=1e-12)
    assert set(board.changes()) == set(SYMBOLS)


@pytest.mark.parametrize("name", TIMEFRAMES)
def test_scores_through_history_are_those_of_each_minute(minutes, each, name):
    found = np.full(len(minutes), np.nan)
    for places, said in scores_each_minute(minutes, roll_up(minutes, TIMEFRAMES[name])):
        found[places] = said
    place = list(TIMEFRAMES).index(name)
    assert np.isnan(found).any()
    board = board_of(minutes[:3300])
    for number, candle in enumerate(each(minutes[3300:3400]), 3300):
        board.update("BTC", candle)
        assert rate(board, "BTC")[place] == pytest.approx(found[number], abs=1e-12)


@pytest.mark.parametrize("cut", range(3000, 3400, 57))
def test_the_future_changes_nothing_said_before_it(minutes, cut):
    now = board_of(minutes[:cut]).changes()["BTC"]
    later = board_of(minutes).changes()["BTC"]
    until = minutes[cut - 1, OPEN_TIME] + MINUTE_MS
    np.testing.assert_array_equal(now, later[later["time_ms"] <= until])


@pytest.mark.parametrize("cut", [10, 2000, 3001])
def test_a_restart_goes_on_as_if_there_had_been_none(minutes, each, cut):
    before = board_of(minutes[:cut])
    said = before.changes()
    after = RatingBoard(SYMBOLS, TIMEFRAMES)
    after.restore("BTC", json.loads(json.dumps(before.state("BTC"))))
    after.load("BTC", minutes[: cut + 100])
    for candle in each(minutes[cut + 100 :]):
        after.update("BTC", candle)
    expected = board_of(minutes).changes()
    assert in_order(said, after.changes()) == in_order(expected)


@pytest.mark.parametrize("cut", [1_441, 1_999, 2_777])
def test_levels_with_longer_candles_are_the_same_wherever_a_run_was_cut(
    candles, minutes, each, cut
):
    """Stored, and read anew from a market that keeps less: nothing later is known to what was said
    before, and nothing that was known is lost."""
    past = candles(count=900, seed=7)
    past[:, OPEN_TIME] = minutes[0, OPEN_TIME] + HOUR_MS * np.arange(-900, 0)
    timeframes = {"5m": INTERVALS["5m"], "1h": HOUR_MS, "4h": 4 * HOUR_MS}

    def longer(first):
        """What a database has of the time before a market's first minute, and of that itself."""
        known = minutes[minutes[:, OPEN_TIME] < (first // (4 * HOUR_MS) + 1) * 4 * HOUR_MS]
        hours = np.concatenate((past, roll_up(known, HOUR_MS)))
        every = {"5m": roll_up(known, INTERVALS["5m"]), "1h": hours}
        every["4h"] = roll_up(hours, 4 * HOUR_MS)
        return {name: rows[rows[:, OPEN_TIME] <= first] for name, rows in every.items()}

    def begun(rows, state=None):
        board = RatingBoard(("BTC",), timeframes)
        if state is not None:
            board.restore("BTC", json.loads(json.dumps(state)))
        board.load("BTC", rows, longer(rows[0, OPEN_TIME]))
        return board

    whole = begun(minutes[:700])
    for candle in each(minutes[700:]):
        whole.update("BTC", candle)
    stopped = begun(minutes[:700])
    for candle in each(minutes[700:cut]):
        stopped.update("BTC", candle)
    said = stopped.changes()
    # Of what was before the pause the market has not kept all: it begins within an hour.
    again = begun(minutes[cut - 610 : cut + 50], stopped.state("BTC"))
    for candle in each(minutes[cut + 50 :]):
        again.update("BTC", candle)
    assert in_order(said, again.changes()) == in_order(whole.changes())
    assert again.state("BTC") == whole.state("BTC")
    assert list(again.levels("BTC")) == list(timeframes)


def test_candles_that_are_read_anew_say_nothing_again(minutes):
    board = board_of(minutes)
    said = board.changes()
    board.load("BTC", minutes)
    assert said and board.changes() == {}


def test_the_work_of_reading_anew_is_done_where_it_is_asked_to_be_and_shows_at_its_end(minutes):
    begun = []

    def run(work):
        begun.append(board.state("BTC"))
        done = work()
        begun.append(board.state("BTC"))
        return done

    board = RatingBoard(SYMBOLS, TIMEFRAMES)
    nothing = board.state("BTC")
    board.load("BTC", minutes, run=run)
    assert begun == [nothing, nothing]
    assert board.state("BTC") == board_of(minutes).state("BTC") != nothing


def test_a_timeframe_without_enough_candles_is_not_rated_until_longer_ones_are_at_hand(candles):
    board = RatingBoard(("BTC",), {"1m": MINUTE_MS, "1d": DAY_MS})
    minutes = candles(count=2 * 1440 + 30)
    board.load("BTC", minutes)
    assert list(board.levels("BTC")) == ["1m"]
    days = candles(count=100, seed=5)
    days[:, OPEN_TIME] = minutes[0, OPEN_TIME] + DAY_MS * np.arange(-99, 1)
    board.load("BTC", minutes, {"1d": days})
    assert list(board.levels("BTC")) == ["1m", "1d"]
    everything = np.concatenate((days[:-1], roll_up(minutes, DAY_MS)))
    assert rate(board, "BTC")[1] == pytest.approx(scores(readings_through(everything))[-1])


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"version": 1},
        {"version": 1, "said": 0},
        {"version": 1, "said": 0, "levels": {"1m": ["BUY", 0], "5m": ["GOOD", 0]}},
        {"version": 1, "said": "never", "levels": {"1m": ["BUY", 0]}},
    ],
)
def test_what_is_no_state_is_refused_and_changes_nothing(broken):
    board = RatingBoard(SYMBOLS, TIMEFRAMES)
    before = board.state("BTC")
    with pytest.raises((KeyError, TypeError, ValueError)):
        board.restore("BTC", broken)
    assert board.state("BTC") == before


def test_levels_hold_in_a_real_week(recording):
    """The goals that the margins were chosen for; `backend.evaluate --of levels` has the rest."""
    minutes = recording("BTC-USDT-1m-2021-02-19-week")
    board = RatingBoard(("BTC",), {"1h": HOUR_MS})
    board.load("BTC", minutes)
    hours = (len(minutes) - 60 * 60) / 60
    assert 0 < len(board.changes()["BTC"]) / hours <= 2
