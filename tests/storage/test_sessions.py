import threading
import uuid
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from backend.storage.database import Database
from backend.storage.schema import sessions as table
from backend.storage.sessions import (
    SESSIONS_LISTED_MAX,
    Origin,
    Revoked,
    Session,
    SessionSeen,
    SessionStore,
)
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
    assert store.open(session, "hash", 1) == []
    assert store.rotate(moved(session, "r2"), "r1", 2) == alice
    assert store.rotate(moved(session, "r3"), "r2", 3) == alice
    assert store.user(session.id, alice.id) == alice


def test_a_refresh_token_used_twice_ends_the_session(database: Database, alice: User) -> None:
    store, session = SessionStore(database), new_session(alice)
    store.open(session, "hash", 1)
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
    SessionStore(databases[0]).open(session, "hash", 1)
    barrier, outcomes = threading.Barrier(len(databases)), []

    def refresh(number: int, database: Database) -> None:
        database.try_reading()
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
    store.open(session, "hash", 1)
    store.open(other, "hash", 1)
    assert store.revoke(session.id, alice.id, 2) == Revoked(session.id, ACCESS_END)
    assert store.revoke(session.id, alice.id, 3) is None
    assert store.revoke("0" * 32, alice.id, 3) is None
    assert store.user(session.id, alice.id) is None
    assert store.user(other.id, alice.id) == alice


def test_nobody_moves_a_session_of_another_user(database: Database, alice: User) -> None:
    bob = UserStore(database).add("bob", "hash", 1)
    store, session = SessionStore(database), new_session(alice)
    store.open(session, "hash", 1)
    assert store.user(session.id, bob.id) is None
    stolen = Session(session.id, bob.id, "r2", ACCESS_END, REFRESH_END)
    assert not isinstance(store.rotate(stolen, "r1", 2), User)


def test_ended_sessions_are_listed_while_their_access_tokens_last(
    database: Database, alice: User
) -> None:
    store, session = SessionStore(database), new_session(alice)
    store.open(session, "hash", 1)
    store.revoke(session.id, alice.id, 2)
    assert store.revoked(ACCESS_END - 1) == [Revoked(session.id, ACCESS_END)]
    assert store.revoked(ACCESS_END) == []
    assert store.revoked(3, since_ms=2) == [Revoked(session.id, ACCESS_END)]
    assert store.revoked(3, since_ms=3) == []


def test_sessions_without_a_token_in_its_time_are_removed(database: Database, alice: User) -> None:
    store = SessionStore(database)
    open_one, ended = new_session(alice), new_session(alice)
    store.open(open_one, "hash", 1)
    store.open(ended, "hash", 1)
    store.revoke(ended.id, alice.id, 2)
    assert store.purge(ACCESS_END - 1) == 0
    assert store.purge(ACCESS_END) == 1
    assert store.user(open_one.id, alice.id) == alice
    assert store.purge(REFRESH_END - 1) == 0
    assert store.purge(REFRESH_END) == 1
    assert count(database) == 0


def test_a_backlog_is_removed_in_batches(database: Database, alice: User) -> None:
    store = SessionStore(database)
    for _ in range(7):
        store.open(new_session(alice), "hash", 1)
    assert [store.purge(REFRESH_END, batch=3) for _ in range(4)] == [3, 3, 1, 0]


def test_a_login_that_a_change_of_the_password_overtook_opens_nothing(
    database: Database, alice: User
) -> None:
    store, kept = SessionStore(database), new_session(alice)
    store.open(kept, "hash", 1)
    assert store.change_password(alice.id, "hash", "another", kept.id, 2) == []
    assert store.open(new_session(alice), "hash", 3) is None
    assert store.open(new_session(alice), "another", 3) == []
    assert store.change_password(alice.id, "hash", "a third", kept.id, 4) is None
    assert count(database) == 2


def test_a_change_of_the_password_ends_all_sessions_but_one(
    database: Database, alice: User
) -> None:
    bob = UserStore(database).add("bob", "hash", 1)
    store = SessionStore(database)
    kept, other, bobs = new_session(alice), new_session(alice), new_session(bob)
    for session in (kept, other, bobs):
        store.open(session, "hash", 1)
    ended = store.change_password(alice.id, "hash", "another", kept.id, 2)
    assert ended == [Revoked(other.id, ACCESS_END)]
    assert store.user(kept.id, alice.id) is not None
    assert store.user(other.id, alice.id) is None
    assert store.user(bobs.id, bob.id) == bob


def test_all_sessions_of_a_user_end_at_once_and_no_others(database: Database, alice: User) -> None:
    bob = UserStore(database).add("bob", "hash", 1)
    store = SessionStore(database)
    mine, bobs = [new_session(alice) for _ in range(3)], new_session(bob)
    for session in (*mine, bobs):
        store.open(session, "hash", 1)
    store.revoke(mine[0].id, alice.id, 2)
    ended = store.revoke_all(alice.id, 3)
    assert {each.session_id for each in ended} == {mine[1].id, mine[2].id}
    assert store.revoke_all(alice.id, 4) == []
    assert store.user(bobs.id, bob.id) == bob


def test_nobody_ends_a_session_of_another_user(database: Database, alice: User) -> None:
    bob = UserStore(database).add("bob", "hash", 1)
    store, session = SessionStore(database), new_session(alice)
    store.open(session, "hash", 1)
    assert store.revoke(session.id, bob.id, 2) is None
    assert store.user(session.id, alice.id) == alice


def test_a_user_sees_open_sessions_the_present_one_first(database: Database, alice: User) -> None:
    store = SessionStore(database)
    laptop = Session(uuid.uuid4().hex, alice.id, "r1", 1, 90, Origin("192.0.2.1", "Firefox"))
    phone = Session(uuid.uuid4().hex, alice.id, "r1", 1, 90, Origin("192.0.2.2", "Safari"))
    gone, over = new_session(alice), Session(uuid.uuid4().hex, alice.id, "r1", 1, 50)
    for at, session in enumerate((laptop, phone, gone, over), start=10):
        store.open(session, "hash", at)
    store.revoke(gone.id, alice.id, 20)
    used = replace(phone, refresh_id="r2", origin=Origin("198.51.100.1", "Safari 2"))
    store.rotate(used, "r1", 40)
    seen, total = store.open_of(alice.id, laptop.id, 50)
    assert total == 2
    assert seen == [
        SessionSeen(laptop.id, 10, 10, "Firefox", "192.0.2.1"),
        SessionSeen(phone.id, 11, 40, "Safari 2", "198.51.100.1"),
    ]
    seen, _ = store.open_of(alice.id, "0" * 32, 50)
    assert [session.id for session in seen] == [phone.id, laptop.id]


def test_what_a_client_says_of_itself_is_kept_within_bounds(
    database: Database, alice: User
) -> None:
    origin = Origin("fe80::1%" + "x" * 100, "Mozilla\0\r\n\x1b[31m" + "\U0001f511" + "y" * 500)
    store = SessionStore(database)
    session = replace(new_session(alice), origin=origin)
    store.open(session, "hash", 1)
    ((seen,), _) = store.open_of(alice.id, session.id, 2)
    assert seen.user_agent.startswith("Mozilla[31m\U0001f511yyy")
    assert (len(seen.user_agent), len(seen.address)) == (200, 45)


def test_of_very_many_sessions_those_used_last_are_listed(database: Database, alice: User) -> None:
    store = SessionStore(database)
    all_of_them = [new_session(alice) for _ in range(SESSIONS_LISTED_MAX + 5)]
    for at, session in enumerate(all_of_them, start=1):
        store.open(session, "hash", at)
    seen, total = store.open_of(alice.id, all_of_them[0].id, 200)
    assert total == SESSIONS_LISTED_MAX + 5
    assert [session.id for session in seen] == [
        all_of_them[0].id,
        *[session.id for session in all_of_them[:-SESSIONS_LISTED_MAX:-1]],
    ]


def test_a_user_keeps_a_bounded_number_and_loses_the_oldest(
    database: Database, alice: User
) -> None:
    bob = UserStore(database).add("bob", "hash", 1)
    store = SessionStore(database, per_user_max=3)
    mine = [new_session(alice) for _ in range(5)]
    bobs = new_session(bob)
    store.open(bobs, "hash", 1)
    displaced = [store.open(session, "hash", 10 + n) for n, session in enumerate(mine)]
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
