import threading

import pytest

from backend.storage.database import Database
from backend.storage.users import UsernameTaken, UserStore


def test_a_user_is_found_by_name_in_any_capitals(database: Database) -> None:
    users = UserStore(database)
    added = users.add("Alice", "hash", 1_700_000_000_123)
    assert users.by_name("aLICE") == added
    assert (added.username, added.password_hash, added.created_at_ms) == (
        "Alice",
        "hash",
        1_700_000_000_123,
    )
    assert users.by_name("bob") is None


def test_a_name_is_given_once_whatever_its_capitals(database: Database) -> None:
    users = UserStore(database)
    users.add("Alice", "first", 1)
    with pytest.raises(UsernameTaken):
        users.add("ALICE", "second", 2)
    found = users.by_name("alice")
    assert found is not None
    assert found.password_hash == "first"


def test_of_registrations_at_once_one_gets_the_name(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(6)]
    databases[0].migrate()
    barrier, outcomes = threading.Barrier(len(databases)), []

    def register(database: Database) -> None:
        users = UserStore(database)
        users.by_name("alice")
        barrier.wait()
        try:
            outcomes.append(users.add("alice", "hash", 1).id)
        except UsernameTaken:
            outcomes.append("taken")

    threads = [threading.Thread(target=register, args=[database]) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for database in databases:
        database.close()
    assert sorted(map(str, outcomes))[1:] == ["taken"] * 5


def test_a_hash_is_replaced_only_if_it_is_still_the_old_one(database: Database) -> None:
    users = UserStore(database)
    alice = users.add("alice", "old", 1)
    users.change_hash(alice.id, "another", "lost")
    assert users.by_name("alice") == alice
    users.change_hash(alice.id, "old", "new")
    found = users.by_name("alice")
    assert found is not None
    assert found.password_hash == "new"


def test_a_hash_is_not_in_what_a_log_would_show(database: Database) -> None:
    assert "topsecret" not in repr(UserStore(database).add("alice", "topsecret", 1))
