import pytest

from backend.analysis.levels import HeldLevel, confirmation_candles, level_of, strength_of
from backend.clock import HOUR_MS, MINUTE_MS
from backend.market.models import SignalLevel

STRONG_SELL, SELL, HOLD, BUY, STRONG_BUY = (
    SignalLevel(name) for name in ("STRONG_SELL", "SELL", "HOLD", "BUY", "STRONG_BUY")
)


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (1, STRONG_BUY),
        (0.51, STRONG_BUY),
        (0.5, BUY),
        (0.11, BUY),
        (0.1, HOLD),
        (0, HOLD),
        (-0.1, HOLD),
        (-0.11, SELL),
        (-0.5, SELL),
        (-0.51, STRONG_SELL),
        (-1, STRONG_SELL),
    ],
)
def test_levels_at_their_published_bounds(score, level):
    assert level_of(score) is level


@pytest.mark.parametrize(
    ("score", "strength"),
    [(0, 1), (0.05, 0.75), (0.1, 0.5), (0.375, 0.75), (0.65, 1), (1, 1), (-0.375, 0.75)],
)
def test_strength_grows_from_where_the_level_begins(score, strength):
    assert strength_of(score, level_of(score)) == pytest.approx(strength)


def test_a_level_that_the_score_has_left_is_at_its_weakest():
    assert strength_of(0.05, BUY) == 0.5


def held(level, confirmation=1):
    one = HeldLevel(confirmation)
    one.restore([level, 0])
    return one


@pytest.mark.parametrize(
    ("level", "score", "following"),
    [
        # Away from zero the score has to be over by 0.1 ...
        (HOLD, 0.2, HOLD),
        (HOLD, 0.21, BUY),
        (HOLD, -0.2, HOLD),
        (HOLD, -0.21, SELL),
        (BUY, 0.6, BUY),
        (BUY, 0.61, STRONG_BUY),
        (SELL, -0.61, STRONG_SELL),
        # ... and back by 0.15.
        (BUY, -0.04, BUY),
        (BUY, -0.06, HOLD),
        (SELL, 0.04, SELL),
        (SELL, 0.06, HOLD),
        (STRONG_BUY, 0.36, STRONG_BUY),
        (STRONG_BUY, 0.34, BUY),
        (STRONG_SELL, -0.34, SELL),
        (STRONG_BUY, 1.0, STRONG_BUY),
        # As far as it goes at once.
        (STRONG_BUY, -0.9, STRONG_SELL),
    ],
)
def test_a_level_changes_beyond_its_margins_only(level, score, following):
    one = held(level)
    assert one.update(score) is (following is not level)
    assert one.level is following


def test_a_change_is_confirmed_by_minutes_in_a_row():
    one = held(HOLD, confirmation=3)
    for score in (0.3, 0.3, 0.1, 0.3, 0.3):
        assert not one.update(score)
    assert one.level is HOLD
    assert one.update(0.3)
    assert one.level is BUY


def test_the_level_taken_is_that_of_the_minute_that_confirms():
    one = held(HOLD, confirmation=2)
    one.update(0.3)
    assert one.update(0.7)
    assert one.level is STRONG_BUY


def test_the_first_score_gives_the_first_level():
    one = HeldLevel(confirmation=10)
    assert one.level is None
    assert one.update(0.11)
    assert one.level is BUY


def test_a_restored_level_goes_on_counting():
    one = held(HOLD, confirmation=3)
    one.update(0.3)
    one.update(0.3)
    other = HeldLevel(confirmation=3)
    other.restore(one.state())
    assert other.update(0.3) and other.level is BUY


def test_confirmation_is_a_sixth_of_the_timeframe():
    assert [confirmation_candles(n * MINUTE_MS) for n in (1, 5, 15)] == [1, 1, 2]
    assert confirmation_candles(HOUR_MS) == 10
    # A day's is confirmed after four hours, however these are cut.
    assert [confirmation_candles(24 * HOUR_MS, n * HOUR_MS) for n in (1, 4, 24)] == [4, 1, 1]
