"""What a user can do about open sessions, and about the password."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.auth.accounts_app import AccountsApp
from tests.auth.calls import ALICE, COOKIE, assert_error
from tests.auth.conftest import BuildApp
from tests.servers import bearer

NEW_PASSWORD = "another horse"
CALLS = ["GET sessions", f"DELETE sessions/{'0' * 32}", "POST logout-all", "POST password"]


@pytest.fixture
def client(client: FlaskClient) -> FlaskClient:
    """One by which Alice has registered."""
    assert client.post("/api/auth/register", json=ALICE).status_code == 201
    return client


def log_in(client: FlaskClient, address: str = "192.0.2.1", agent: str = "Firefox") -> Any:
    """The headers of a new session's access token."""
    answer = client.post(
        "/api/auth/login",
        json=ALICE,
        environ_base={"REMOTE_ADDR": address},
        headers={"User-Agent": agent},
    )
    assert answer.status_code == 200
    return bearer(answer.get_json()["access_token"])


def sessions(client: FlaskClient, headers: Any) -> list[dict[str, Any]]:
    answer = client.get("/api/auth/sessions", headers=headers)
    assert answer.status_code == 200
    return list(answer.get_json()["sessions"])


def alive(client: FlaskClient, headers: Any) -> bool:
    return client.get("/api/auth/me", headers=headers).status_code == 200


def change_password(client: FlaskClient, headers: Any, current: str, new: str) -> Any:
    body = {"current_password": current, "new_password": new}
    return client.post("/api/auth/password", json=body, headers=headers)


def test_a_user_sees_where_sessions_are_open(client: FlaskClient) -> None:
    phone = log_in(client, "2001:db8::7", "Safari")
    laptop = log_in(client)
    answer = client.get("/api/auth/sessions", headers=laptop).get_json()
    assert set(answer) == {"sessions", "total"}
    assert answer["total"] == 2
    mine, other = answer["sessions"]
    assert set(mine) == {"id", "created_at", "last_used_at", "user_agent", "address", "current"}
    assert (mine["current"], mine["user_agent"], mine["address"]) == (True, "Firefox", "192.0.2.1")
    assert (other["current"], other["user_agent"], other["address"]) == (
        False,
        "Safari",
        "2001:db8::7",
    )
    assert mine["created_at"].endswith("Z")
    assert mine["last_used_at"] >= mine["created_at"]
    assert [session["current"] for session in sessions(client, phone)] == [True, False]


def test_one_session_is_ended_and_its_stream_told(
    client: FlaskClient, accounts_app: AccountsApp
) -> None:
    phone, laptop = log_in(client), log_in(client)
    told: list[str] = []
    accounts_app.revocations.subscribe(told.append)
    other = sessions(client, laptop)[1]["id"]
    assert client.delete(f"/api/auth/sessions/{other}", headers=laptop).status_code == 200
    assert told == [other]
    assert (alive(client, phone), alive(client, laptop)) == (False, True)
    again = client.delete(f"/api/auth/sessions/{other}", headers=laptop)
    assert_error(again, 404, "not_found")


@pytest.mark.parametrize("session_id", ["0" * 32, "x", "a" * 5000, "%00", "..%2f..", "%0d%0aX: y"])
def test_a_session_that_is_not_there_is_404(client: FlaskClient, session_id: str) -> None:
    answer = client.delete(f"/api/auth/sessions/{session_id}", headers=log_in(client))
    assert_error(answer, 404, "not_found")


def test_nobody_ends_or_sees_sessions_of_another_user(client: FlaskClient) -> None:
    alice = log_in(client)
    bob = {"username": "bob", "password": ALICE["password"]}
    client.post("/api/auth/register", json=bob)
    bobs = bearer(client.post("/api/auth/login", json=bob).get_json()["access_token"])
    (mine,) = sessions(client, alice)
    assert_error(client.delete(f"/api/auth/sessions/{mine['id']}", headers=bobs), 404, "not_found")
    assert len(sessions(client, bobs)) == 1
    assert client.post("/api/auth/logout-all", headers=bobs).status_code == 200
    assert alive(client, alice)


def test_all_sessions_end_at_once(client: FlaskClient, accounts_app: AccountsApp) -> None:
    tokens = [log_in(client) for _ in range(120)]
    told: list[str] = []
    accounts_app.revocations.subscribe(told.append)
    answer = client.post("/api/auth/logout-all", headers={**tokens[0], **COOKIE})
    assert answer.status_code == 200
    assert len(set(told)) == 120
    assert not any(alive(client, token) for token in tokens[:5])


def test_a_change_of_the_password_ends_the_other_sessions(client: FlaskClient) -> None:
    phone, laptop = log_in(client), log_in(client)
    assert change_password(client, laptop, ALICE["password"], NEW_PASSWORD).status_code == 200
    assert (alive(client, phone), alive(client, laptop)) == (False, True)
    assert client.post("/api/auth/login", json=ALICE).status_code == 401
    changed = {**ALICE, "password": NEW_PASSWORD}
    assert client.post("/api/auth/login", json=changed).status_code == 200


def test_a_change_wants_the_current_password_and_guesses_are_limited(
    client: FlaskClient, accounts_app: AccountsApp
) -> None:
    thief, owner = log_in(client), log_in(client)
    answers = [change_password(client, thief, f"guess {n}", NEW_PASSWORD) for n in range(11)]
    assert_error(answers[0], 401, "invalid_credentials")
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert change_password(client, thief, ALICE["password"], NEW_PASSWORD).status_code == 429
    # Neither the owner's other sessions nor logins are charged with it.
    assert log_in(client)
    assert change_password(client, owner, ALICE["password"], NEW_PASSWORD).status_code == 200


@pytest.mark.parametrize("new", ["short", "a" * 129, "x" * 10 + "\0", "ALICE"])
def test_a_password_that_no_account_could_have_is_not_taken(client: FlaskClient, new: str) -> None:
    answer = change_password(client, log_in(client), ALICE["password"], new)
    assert_error(answer, 400, "validation_failed", ["new_password"])


def test_fields_of_a_change_are_named(client: FlaskClient) -> None:
    headers = log_in(client)
    answer = client.post("/api/auth/password", json={"password": "x"}, headers=headers)
    fields = ["current_password", "new_password", "password"]
    assert_error(answer, 400, "validation_failed", fields)
    answer = change_password(client, headers, "x" * 200, NEW_PASSWORD)
    assert_error(answer, 401, "invalid_credentials")


@pytest.mark.parametrize("call", CALLS)
def test_each_needs_an_access_token_of_an_open_session(
    client: FlaskClient, build_app: BuildApp, call: str
) -> None:
    method, path = call.split()
    options: Any = {"method": method, "json": {} if method == "POST" else None}

    def answer(headers: Any) -> Any:
        return client.open(f"/api/auth/{path}", headers=headers, **options)

    assert_error(answer({}), 401, "token_missing")
    login = client.post("/api/auth/login", json=ALICE).get_json()
    assert_error(answer(bearer(login["refresh_token"])), 401, "token_invalid")
    # Ended by another process, of which this one has not heard yet.
    build_app().sessions.log_out(login["access_token"])
    if path == "password":
        options["json"] = {"current_password": "x", "new_password": NEW_PASSWORD}
    assert_error(answer(bearer(login["access_token"])), 401, "token_revoked")
