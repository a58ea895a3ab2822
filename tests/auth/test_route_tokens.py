"""Which tokens the account routes take, and as whose."""

import logging

import pytest
from flask.testing import FlaskClient

from backend.auth.guard import access_required
from backend.auth.keys import TOKEN_MAX_CHARS
from backend.auth.tokens import new_id
from tests.auth.accounts_app import AccountsApp
from tests.auth.bad_tokens import INVALID, handmade, signed
from tests.auth.calls import assert_error, register_and_login
from tests.servers import bearer


@pytest.mark.parametrize("call", ["GET /api/auth/me", "POST /api/auth/logout"])
@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "token_missing"),
        ({"Authorization": "Basic YTpi"}, "token_missing"),
        (bearer("garbage"), "token_invalid"),
        (bearer("a" * (TOKEN_MAX_CHARS + 1)), "token_invalid"),
        (bearer(handmade(b"[" * 740, {})), "token_invalid"),
        (bearer(handmade({"alg": "HS256"}, b"[" * 700)), "token_invalid"),
        (bearer(signed(iat=1, exp=2)), "token_expired"),
    ],
)
def test_a_refused_token_is_401_counted_and_logged_without_its_text(
    accounts_app: AccountsApp,
    client: FlaskClient,
    caplog: pytest.LogCaptureFixture,
    call: str,
    headers: dict[str, str],
    code: str,
) -> None:
    caplog.set_level(logging.INFO)
    method, path = call.split()
    answer = client.open(path, method=method, headers=headers)
    assert_error(answer, 401, code)
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert accounts_app.failures == {code: 1}
    assert f"{path} refused from 127.0.0.1: {code}" in caplog.text
    token = headers.get("Authorization", "  ").split(" ")[1]
    assert not token or token not in caplog.text
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "token",
    # Those that can be written into a header; what only we could have signed, only we could send.
    [
        pytest.param(token, id=name)
        for name, token in INVALID.items()
        if isinstance(token, str)
        and token.isascii()
        and token.isprintable()
        and " " not in token
        and len(token) < 5000
        and "expiry" not in name
    ],
)
def test_rest_and_stream_refuse_the_same_tokens(client: FlaskClient, token: str) -> None:
    assert_error(client.get("/api/auth/me", headers=bearer(token)), 401, "token_invalid")


def test_a_genuine_token_of_a_session_that_never_was_is_refused(
    accounts_app: AccountsApp, client: FlaskClient
) -> None:
    token = accounts_app.issuer.access(1, new_id()).encoded
    assert_error(client.get("/api/auth/me", headers=bearer(token)), 401, "token_revoked")
    token = accounts_app.issuer.refresh(1, new_id()).encoded
    answer = client.post("/api/auth/refresh", json={"refresh_token": token})
    assert_error(answer, 401, "token_revoked")


def test_any_guarded_view_takes_access_tokens_of_open_sessions_only(
    accounts_app: AccountsApp,
) -> None:
    view = access_required(lambda: "private")
    accounts_app.app.add_url_rule("/api/private", endpoint="private", view_func=view)
    client = accounts_app.app.test_client()
    tokens = register_and_login(client)
    access, refresh = bearer(tokens["access_token"]), bearer(tokens["refresh_token"])
    assert client.get("/api/private", headers=access).text == "private"
    assert_error(client.get("/api/private", headers=refresh), 401, "token_invalid")
    assert_error(client.get("/api/private"), 401, "token_missing")
    client.post("/api/auth/logout", headers=access)
    assert_error(client.get("/api/private", headers=access), 401, "token_revoked")
