"""The account routes answer as the contract says."""

import logging
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.auth.accounts_app import SECRET, AccountsApp
from tests.auth.calls import ALICE, assert_error, register_and_login
from tests.servers import bearer


def test_registering_answers_with_the_user(client: FlaskClient) -> None:
    answer = client.post("/api/auth/register", json=ALICE)
    assert answer.status_code == 201
    body = answer.get_json()
    assert set(body) == {"id", "username", "created_at"}
    assert body["username"] == "Alice"
    assert type(body["id"]) is int
    assert body["created_at"].endswith("Z")


def test_a_taken_name_is_409_in_any_capitals(client: FlaskClient) -> None:
    client.post("/api/auth/register", json=ALICE)
    answer = client.post("/api/auth/register", json={**ALICE, "username": "aLICE"})
    assert_error(answer, 409, "username_taken")


def test_bad_credentials_name_their_fields(client: FlaskClient) -> None:
    answer = client.post("/api/auth/register", json={"username": "a!", "password": "short"})
    assert_error(answer, 400, "validation_failed", ["username", "password"])


def test_a_login_answers_with_exactly_what_the_contract_names(client: FlaskClient) -> None:
    body = register_and_login(client)
    assert set(body) == {"access_token", "refresh_token", "token_type", "expires_in", "user"}
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    assert body["user"] == {"id": 1, "username": "Alice"}


def test_a_wrong_name_and_a_wrong_password_get_the_same_answer(
    client: FlaskClient, accounts_app: AccountsApp
) -> None:
    client.post("/api/auth/register", json=ALICE)
    wrong_password = client.post("/api/auth/login", json={**ALICE, "password": "wrong horse"})
    wrong_name = client.post("/api/auth/login", json={**ALICE, "username": "bob"})
    assert_error(wrong_password, 401, "invalid_credentials")
    assert wrong_name.status_code == 401
    assert wrong_name.data == wrong_password.data
    assert dict(wrong_name.headers) == dict(wrong_password.headers)
    assert accounts_app.failures == {"invalid_credentials": 2}


@pytest.mark.parametrize("where", ["body", "bearer"])
def test_a_refresh_answers_like_a_login_with_rotated_tokens(
    client: FlaskClient, where: str
) -> None:
    first = register_and_login(client)
    token = first["refresh_token"]
    options: Any = (
        {"json": {"refresh_token": token}} if where == "body" else {"headers": bearer(token)}
    )
    answer = client.post("/api/auth/refresh", **options)
    assert answer.status_code == 200
    second = answer.get_json()
    assert set(second) == set(first)
    assert second["user"] == first["user"]
    assert second["refresh_token"] != token
    assert client.get("/api/auth/me", headers=bearer(second["access_token"])).status_code == 200
    assert_error(client.post("/api/auth/refresh", **options), 401, "token_revoked")
    again = client.get("/api/auth/me", headers=bearer(second["access_token"]))
    assert_error(again, 401, "token_revoked")


def test_me_is_the_user(client: FlaskClient) -> None:
    token = register_and_login(client)["access_token"]
    answer = client.get("/api/auth/me", headers=bearer(token))
    assert answer.status_code == 200
    assert answer.get_json() == {
        "id": 1,
        "username": "Alice",
        "created_at": answer.get_json()["created_at"],
    }


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
def test_a_logout_ends_the_session(client: FlaskClient, kind: str) -> None:
    tokens = register_and_login(client)
    assert client.post("/api/auth/logout", headers=bearer(tokens[kind])).status_code == 200
    me = client.get("/api/auth/me", headers=bearer(tokens["access_token"]))
    assert_error(me, 401, "token_revoked")
    refresh = client.post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert_error(refresh, 401, "token_revoked")


# --- trouble ------------------------------------------------------------------------------------
def test_a_database_out_of_reach_is_503(
    accounts_app: AccountsApp, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with accounts_app.database.write() as connection:
        connection.exec_driver_sql("ALTER TABLE users RENAME TO away")
    answer = client.post("/api/auth/login", json=ALICE)
    assert_error(answer, 503, "unavailable")
    assert int(answer.headers["Retry-After"]) >= 1
    assert "Traceback" not in caplog.text


def test_no_secret_reaches_the_log(
    client: FlaskClient, accounts_app: AccountsApp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = register_and_login(client)
    client.post("/api/auth/login", json={**ALICE, "password": "wrong horse"})
    client.post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    client.post("/api/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    client.get("/api/auth/me", headers=bearer(tokens["access_token"]))
    assert "used twice" in caplog.text
    for secret in (
        SECRET,
        ALICE["password"],
        "wrong horse",
        tokens["access_token"],
        tokens["refresh_token"],
    ):
        assert secret not in caplog.text
