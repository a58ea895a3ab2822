"""Scores and rules by hand."""

import numpy as np
import pytest

from backend.analysis.levels import HeldLevel
from backend.clock import HOUR_MS, MINUTE_MS
from backend.evaluate.forecast import Judged
from backend.evaluate.levels import judge


def test_the_interval_score_is_the_width_and_what_was_missed():
    judged = Judged(half_widths=np.array([0.01, 0.01]), moves=np.array([0.0, 0.03]))
    assert judged.coverage() == 0.5
    # Widths of 200 bp; 200 bp missed, times 20 at a level of 90 %, on average half of that.
    assert judged.score(0.9) == pytest.approx(200 + 200 * 20 / 2)


def test_thirds_are_by_width():
    judged = Judged(half_widths=np.array([3.0, 1, 2]), moves=np.array([2.0, 2, 2]))
    assert judged.thirds() == [0, 1, 1]


def test_a_rule_is_judged_by_what_it_said():
    """Two hours and a bit; a score that leaves hold for ten minutes, and then for good."""
    scores = np.zeros(130)
    scores[30:40], scores[100:] = 0.3, 0.3
    times = np.arange(130.0) * MINUTE_MS
    found = judge(times, scores, HOUR_MS, HeldLevel(15, 0.1, 0.15))
    assert found.changes_an_hour == pytest.approx(1 / (130 / 60))
    # Said from minute 114 on, 14 after the score; the first ten minutes of it were in vain.
    assert found.delay == 114 - 30
    assert found.away == pytest.approx((10 + 14) / 130)
    # Of the two whole hours: all of the first, and of the second what was said of its close.
    assert found.still_said == pytest.approx((60 + 6) / 120)
    assert found.within_one == 1
