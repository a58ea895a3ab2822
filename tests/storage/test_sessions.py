import threading
import uuid

import pytest
from sqlalchemy import func, select

from backend.storage.database import Database
from backend.storage.schema import sessions as table
from backend.storage.sessions import Revoked, Session, SessionStore
from backend.storage.users import User, UserStore

ACCESS_END, REFRESH_END = 10_000, 50_000


@pytest.fixture
def alice(database: Database) -> User:
    return UserStore(database).add("alice", "hash", 1)


def new_session(user: User, refresh_id: str = "r1") -> Session:
    return Session(uuid.uuid4().hex, user.id, refresh_id, ACCESS_END, REFRESH_END)


def moved(session: Session, refresh_id: str, later: int = 0) -> Session:
    return Session(session.id, session.user_id, refresh_id, ACCESS_END + later, REFRESH_END + later)


def count(database: Database) -> int:
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_a_refresh_token_is_exchanged_for_the_next(database: Database, alice: User) -> None:
    store, session = SessionStore(database), new_session(alice)
    assert store.open(session, 1) == []
    assert store.rotate(moved(session, "r2"), "r1", 2) == alice
    assert store.rotate(moved(session, "r3"), "r2", 3) == alice
    assert store.user(session.id, alice.id) == alice


def test_a_refresh_token_used_twice_ends_the_session(database: Database, alice: User) -> None:
    store, session = SessionStore(database), new_session(alice)
    store.open(session, 1)
    store.rotate(moved(session, "r2", later=700), "r1", 2)
    ended = Revoked(session.id, ACCESS_END + 700)
    assert store.rotate(moved(session, "r3"), "r1", 3) == ended
    # The token that was good until then is void with it.
    assert store.rotate(moved(session, "r3"), "r2", 4) is None
    assert store.user(session.id, alice.id) is None
    assert store.revoked(5) == [ended]


def test_of_exchanges_at_once_one_succeeds_and_the_session_ends(database_url: str) -> None:
    databases = [Database(database_url) for _ in range(6)]
    databases[0].migrate()
    alice = UserStore(databases[0]).add("alice", "hash", 1)
    session = new_session(alice)
    SessionStore(databases[0]).open(session, 1)
    barrier, outcomes = threading.Barrier(len(databases)), []

    def refresh(number: int, database: Database) -> None:
        database.ping()
        barrier.wait()
        outcomes.append(SessionStore(database).rotate(moved(session, f"next{number}"), "r1", 2))

    threads = [threading.Thread(target=refresh, args=each) for each in enumerate(databases)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(type(outcome).__name__ for outcome in outcomes) == [
        "NoneType",
        "NoneType",
        "NoneType",
        "NoneType",
        "Revoked",
        "User",
    ]
    assert SessionStore(databases[0]).user(session.id, alice.id) is None
    for database in databases:
        database.close()


def test_a_session_ends_once(database: Database, alice: User) -> None:
    store, session, other = SessionStore(database), new_session(alice), new_session(alice)
    store.open(session, 1)
    store.open(other, 1)
    assert store.revoke(session.id, 2) == Revoked(session.id, ACCESS_END)
    assert store.revoke(session.id, 3) is None
    assert store.revoke("0" * 32, 3) is None
    assert store.user(session.id, alice.id) is None
    assert store.user(other.id, alice.id) == alice


def test_nobody_moves_a_session_of_another_user(database: Database, alice: User) -> None:
    bob = UserStore(database).add("bob", "hash", 1)
    store, session = SessionStore(database), new_session(alice)
    store.open(session, 1)
    assert store.user(session.id, bob.id) is None
    stolen = Session(session.id, bob.id, "r2", ACCESS_END, REFRESH_END)
    assert not isinstance(store.rotate(stolen, "r1", 2), User)


def test_ended_sessions_are_listed_while_their_access_tokens_last(
    database: Database, alice: User
) -> None:
    store, session = SessionStore(database), new_session(alice)
    store.open(session, 1)
    store.revoke(session.id, 2)
    assert store.revoked(ACCESS_END - 1) == [Revoked(session.id, ACCESS_END)]
    assert store.revoked(ACCESS_END) == []
    assert store.revoked(3, since_ms=2) == [Revoked(session.id, ACCESS_END)]
    assert store.revoked(3, since_ms=3) == []


def test_sessions_without_a_token_in_its_time_are_removed(database: Database, alice: User) -> None:
    store = SessionStore(database)
    open_one, ended = new_session(alice), new_session(alice)
    store.open(open_one, 1)
    store.open(ended, 1)
    store.revoke(ended.id, 2)
    store.open(new_session(alice), ACCESS_END - 1)
    assert count(database) == 3
    store.open(new_session(alice), ACCESS_END)
    assert count(database) == 3  # the ended one went, a new one came
    assert store.user(open_one.id, alice.id) == alice
    late = Session(uuid.uuid4().hex, alice.id, "r", REFRESH_END * 2, REFRESH_END * 2)
    store.open(late, REFRESH_END)
    assert count(database) == 1


def test_a_user_keeps_a_bounded_number_and_loses_the_oldest(
    database: Database, alice: User
) -> None:
    bob = UserStore(database).add("bob", "hash", 1)
    store = SessionStore(database, per_user_max=3)
    mine = [new_session(alice) for _ in range(5)]
    bobs = new_session(bob)
    store.open(bobs, 1)
    displaced = [store.open(session, 10 + n) for n, session in enumerate(mine)]
    assert displaced == [
        [],
        [],
        [],
        [Revoked(mine[0].id, ACCESS_END)],
        [Revoked(mine[1].id, ACCESS_END)],
    ]
    alive = [session.id for session in mine if store.user(session.id, alice.id)]
    assert alive == [session.id for session in mine[2:]]
    assert store.user(bobs.id, bob.id) == bob
