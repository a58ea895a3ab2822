"""Notes in columns: what is asked for by kind is what plain loops find among them."""

import numpy as np

from backend.analysis.outcomes import NO_OUTCOMES, SymbolOutcomes
from backend.analysis.track_record import HORIZONS, MOMENT, NOTE

TIMEFRAMES, LEVELS = (MOMENT, 1, 60, 1440), range(5)


def made_up(first, count, seed=1):
    """Notes of a minute each in order of time."""
    random = np.random.default_rng(seed)
    notes = np.zeros(count, NOTE)
    notes["minute"] = first + np.arange(count)
    notes["timeframe"] = random.choice(TIMEFRAMES, count)
    notes["level"] = np.where(notes["timeframe"] == MOMENT, 0, random.integers(0, 5, count))
    notes["returns"] = random.normal(size=(count, len(HORIZONS)))
    return notes


def assert_are(outcomes, notes):
    for timeframe in TIMEFRAMES:
        for level in LEVELS:
            minutes, returns = outcomes.of(timeframe, level)
            rows = [n for n in notes if (n["timeframe"], n["level"]) == (timeframe, level)]
            assert minutes.tolist() == [row["minute"] for row in rows]
            assert returns.T.tolist() == [row["returns"].tolist() for row in rows]


def test_each_kind_is_told_apart_and_in_order_of_time():
    notes = made_up(1_000, 400)
    assert_are(SymbolOutcomes.of_notes(notes), notes)


def test_days_are_put_in_the_place_of_what_was_known_of_them():
    before, later = made_up(1_000, 400), made_up(1_300, 300, seed=2)
    joined = SymbolOutcomes.of_notes(before).followed_by(
        1_050, 1_300, SymbolOutcomes.of_notes(later)
    )
    assert_are(joined, np.concatenate((before[50:300], later)))
    assert joined.newest == 1_599


def test_of_nothing_there_is_nothing():
    assert_are(NO_OUTCOMES, [])
    assert NO_OUTCOMES.newest == 0
