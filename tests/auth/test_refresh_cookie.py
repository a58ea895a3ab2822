"""The refresh token of a page is in a cookie that script cannot read."""

from flask.testing import FlaskClient

from backend.auth.cookies import REFRESH_COOKIE
from tests.auth.accounts_app import AccountsApp
from tests.auth.bad_tokens import signed
from tests.auth.calls import ALICE, COOKIE, assert_error, cookie_of, register_and_login
from tests.auth.conftest import BuildApp
from tests.servers import bearer


def test_without_the_header_no_cookie_is_set_or_read(
    accounts_app: AccountsApp, client: FlaskClient
) -> None:
    body = register_and_login(client)
    assert "refresh_token" in body
    assert client.get_cookie(REFRESH_COOKIE, path="/api/auth") is None
    client.set_cookie(REFRESH_COOKIE, body["refresh_token"], path="/api/auth")
    assert_error(client.post("/api/auth/refresh"), 401, "token_missing")
    assert_error(client.post("/api/auth/logout"), 401, "token_missing")


def test_a_page_refreshes_and_logs_out_with_a_cookie_that_script_cannot_read(
    client: FlaskClient,
) -> None:
    client.post("/api/auth/register", json=ALICE)
    answer = client.post("/api/auth/login", json=ALICE, headers=COOKIE)
    assert "refresh_token" not in answer.get_json()
    attributes = cookie_of(answer).split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/api/auth", "Max-Age=2592000"} <= {*attributes}
    assert "Secure" not in attributes

    first = client.get_cookie(REFRESH_COOKIE, path="/api/auth")
    answer = client.post("/api/auth/refresh", headers=COOKIE)
    assert answer.status_code == 200
    assert "refresh_token" not in answer.get_json()
    second = client.get_cookie(REFRESH_COOKIE, path="/api/auth")
    assert first is not None
    assert second is not None
    assert first.value != second.value

    assert client.post("/api/auth/logout", headers=COOKIE).status_code == 200
    assert client.get_cookie(REFRESH_COOKIE, path="/api/auth") is None
    me = client.get("/api/auth/me", headers=bearer(answer.get_json()["access_token"]))
    assert_error(me, 401, "token_revoked")


def test_a_page_with_an_expired_access_token_still_refreshes_by_cookie(
    client: FlaskClient,
) -> None:
    register_and_login(client, headers=COOKIE)
    headers = {**COOKIE, **bearer(signed(iat=1, exp=2))}
    assert client.post("/api/auth/refresh", headers=headers).status_code == 200


def test_a_refused_cookie_is_removed(client: FlaskClient) -> None:
    client.set_cookie(REFRESH_COOKIE, "garbage", path="/api/auth")
    assert_error(client.post("/api/auth/refresh", headers=COOKIE), 401, "token_invalid")
    assert client.get_cookie(REFRESH_COOKIE, path="/api/auth") is None


def test_in_production_the_cookie_is_for_https_only(build_app: BuildApp) -> None:
    client = build_app(app_env="production", cors_origins=()).app.test_client()
    client.post("/api/auth/register", json=ALICE)
    answer = client.post("/api/auth/login", json=ALICE, headers=COOKIE)
    assert "Secure" in cookie_of(answer).split("; ")


def test_pages_of_other_origins_cannot_use_the_cookie(build_app: BuildApp) -> None:
    client = build_app(cors_origins=("https://other.example",)).app.test_client()
    preflight = client.options(
        "/api/auth/refresh",
        headers={
            "Origin": "https://other.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "x-refresh-cookie",
        },
    )
    assert (
        "x-refresh-cookie" not in preflight.headers.get("Access-Control-Allow-Headers", "").lower()
    )
    assert "Access-Control-Allow-Credentials" not in preflight.headers
