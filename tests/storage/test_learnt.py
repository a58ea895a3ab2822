"""What was learnt is kept by source, learner and symbol, and for as long as somebody needs it."""

import pytest

from backend.storage.database import Database
from backend.storage.learnt import FORGOTTEN_MS, LearntStore

NOW_MS = 1_700_000_000_000


@pytest.fixture
def store(database: Database) -> LearntStore:
    return LearntStore(database)


def test_each_learner_of_each_source_has_its_own(store: LearntStore) -> None:
    store.write("x", "signals", {"BTC": "1", "ETH": "2"}, NOW_MS)
    store.write("x", "forecast", {"BTC": "3"}, NOW_MS)
    store.write("y", "signals", {"BTC": "4"}, NOW_MS)
    assert store.read("x", "signals") == {"BTC": "1", "ETH": "2"}
    assert store.read("x", "forecast") == {"BTC": "3"}
    assert store.read("y", "signals") == {"BTC": "4"}
    assert store.read("y", "forecast") == {}


def test_a_later_state_takes_the_place_of_an_earlier_one(store: LearntStore) -> None:
    store.write("x", "signals", {"BTC": "1", "ETH": "2"}, NOW_MS)
    store.write("x", "signals", {"ETH": "3" * 10_000}, NOW_MS + 1)
    assert store.read("x", "signals") == {"BTC": "1", "ETH": "3" * 10_000}


def test_what_nobody_has_written_for_long_is_forgotten(store: LearntStore) -> None:
    store.write("x", "signals", {"GONE": "1", "BTC": "1"}, NOW_MS)
    store.write("x", "signals", {"BTC": "2"}, NOW_MS + FORGOTTEN_MS)
    assert store.read("x", "signals") == {"GONE": "1", "BTC": "2"}
    store.write("y", "forecast", {"BTC": "3"}, NOW_MS + FORGOTTEN_MS + 1)
    assert store.read("x", "signals") == {"BTC": "2"}
