"""Symbols that users have added, in real databases."""

import threading

import pytest

from backend.storage.database import Database
from backend.storage.symbols import PER_SERVER, PER_USER, SymbolStore, TooManySymbols
from backend.storage.users import UserStore


@pytest.fixture
def users(database):
    store = UserStore(database)
    return [store.add(name, "hash", 1).id for name in ("alice", "bob")]


def test_what_was_added_is_there_in_order_and_once(database, users):
    store = SymbolStore(database)
    assert store.add("SUI", users[0], 1_000, 5, 5)
    assert store.add("APT", users[1], 2_000, 5, 5)
    assert not store.add("SUI", users[1], 3_000, 5, 5)
    assert [(each.symbol, each.user_id, each.watched_at_ms) for each in store.all()] == [
        ("SUI", users[0], 1_000),
        ("APT", users[1], 2_000),
    ]


def test_a_user_and_all_together_may_add_so_many(database, users):
    store = SymbolStore(database)
    store.add("A", users[0], 1, 2, 3)
    store.add("B", users[0], 1, 2, 3)
    with pytest.raises(TooManySymbols) as own:
        store.add("C", users[0], 1, 2, 3)
    assert own.value.limit == PER_USER
    store.add("C", users[1], 1, 2, 3)
    with pytest.raises(TooManySymbols) as all_together:
        store.add("D", users[1], 1, 2, 3)
    assert all_together.value.limit == PER_SERVER
    assert not store.add("A", users[1], 1, 2, 3), "what is there needs no room"
    assert len(store.all()) == 3


def test_what_nobody_has_watched_since_goes(database, users):
    store = SymbolStore(database)
    for symbol in ("A", "B", "C"):
        store.add(symbol, users[0], 1_000, 9, 9)
    store.watched(["B"], 5_000)
    assert sorted(store.remove_unwatched(4_000)) == ["A", "C"]
    assert [each.symbol for each in store.all()] == ["B"]
    assert store.remove_unwatched(5_000) == []


def test_of_processes_that_add_at_once_none_passes_the_bound(database_url, database, users):
    refused = []

    def add(number):
        # As each process has it, a database of its own.
        own = Database(database_url)
        try:
            SymbolStore(own).add(f"S{number}", users[0], 1, 100, 3)
        except TooManySymbols:
            refused.append(number)
        finally:
            own.close()

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(SymbolStore(database).all()) == 3 and len(refused) == 5
