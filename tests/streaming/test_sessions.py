"""Sessions are found by connection and by login, and their tokens' expiry is followed."""

from backend.streaming.sessions import Session, Sessions

WARNING_MS = 60_000


def test_a_login_finds_all_its_connections_and_only_those() -> None:
    sessions = Sessions(WARNING_MS)
    for sid, login in (("a", "one"), ("b", "one"), ("c", "two"), ("d", None)):
        sessions.add(Session(sid, login=login))
    assert {session.sid for session in sessions.of_login("one")} == {"a", "b"}
    sessions.remove("a")
    assert [session.sid for session in sessions.of_login("one")] == ["b"]
    assert sessions.remove("a") is None
    assert len(sessions) == 3


def test_a_renewed_session_belongs_to_its_new_login() -> None:
    sessions = Sessions(WARNING_MS)
    session = Session("a", user_id=1, login="old", expires_at_ms=1_000)
    sessions.add(session)
    sessions.renew(session, 1, "new", 9_000_000)
    assert sessions.of_login("old") == []
    assert sessions.of_login("new") == [session]
    assert sessions.expired(1_001) == []


def test_a_token_is_warned_of_once_and_again_after_its_renewal() -> None:
    sessions = Sessions(WARNING_MS)
    session = Session("a", user_id=1, login="one", expires_at_ms=1_000_000)
    sessions.add(session)
    sessions.add(Session("anonymous"))
    assert sessions.expiring(1_000_000 - WARNING_MS - 1) == []
    assert sessions.expiring(1_000_000 - WARNING_MS) == [session]
    assert sessions.expiring(1_000_000 - 1) == []
    assert sessions.expired(1_000_000 - 1) == []
    assert sessions.expired(1_000_000) == [session]
    sessions.renew(session, 1, "one", 2_000_000)
    assert sessions.expiring(2_000_000 - 1) == [session]
