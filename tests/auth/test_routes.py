import json
import logging
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from backend.api.counters import BoundedCounters
from backend.auth.attempts import REGISTRATIONS_PER_ADDRESS
from backend.auth.cookies import DEVICE_COOKIE, REFRESH_COOKIE
from backend.auth.guard import access_required
from backend.auth.keys import TOKEN_MAX_CHARS
from backend.auth.tokens import new_id
from tests.auth.accounts_app import SECRET, AccountsApp
from tests.auth.bad_tokens import INVALID, handmade, signed
from tests.auth.conftest import BuildApp

ALICE = {"username": "Alice", "password": "correct horse"}
COOKIE = {"X-Refresh-Cookie": "1"}


@pytest.fixture
def client(accounts_app: AccountsApp) -> FlaskClient:
    return accounts_app.app.test_client()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def register_and_login(client: FlaskClient, **options: Any) -> dict[str, Any]:
    assert client.post("/api/auth/register", json=ALICE).status_code == 201
    answer = client.post("/api/auth/login", json=ALICE, **options)
    assert answer.status_code == 200
    return dict(answer.get_json())


def assert_error(answer: TestResponse, status: int, code: str, fields: list[str] | None = None):
    """The one shape, with exactly these fields explained."""
    assert answer.status_code == status, answer.text
    body = answer.get_json()
    assert list(body) == ["error"]
    error = body["error"]
    assert error["code"] == code
    assert isinstance(error["message"], str)
    assert error["message"]
    assert sorted(error.get("fields", {})) == sorted(fields or [])
    assert set(error) == {"code", "message", *(["fields"] if fields else [])}


# --- the contract -------------------------------------------------------------------------------
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


# --- tokens -------------------------------------------------------------------------------------
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


# --- bodies -------------------------------------------------------------------------------------
BAD_BODIES = {
    "form": (
        "username=a&password=b",
        "application/x-www-form-urlencoded",
        "unsupported_media_type",
    ),
    "no type": ('{"username": "a"}', None, "unsupported_media_type"),
    "text": ('{"username": "a"}', "text/plain", "unsupported_media_type"),
    "nothing": ("", "application/json", "bad_json"),
    "not JSON": ("{username}", "application/json", "bad_json"),
    "cut off": ('{"username": "al', "application/json", "bad_json"),
    "a list": ("[]", "application/json", "bad_json"),
    "null": ("null", "application/json", "bad_json"),
    "a string": ('"alice"', "application/json", "bad_json"),
    "NaN": ('{"username": NaN, "password": "x"}', "application/json", "bad_json"),
    "not UTF-8": (b'{"username": "\xff"}', "application/json", "bad_json"),
    "a lone surrogate": (
        r'{"username": "\ud800", "password": "x"}',
        "application/json",
        "bad_json",
    ),
    "deep": ("[" * 16_000, "application/json", "bad_json"),
    "deep inside": ('{"username": ' + "[" * 8000, "application/json", "bad_json"),
}
BODY_ROUTES = ["register", "login", "refresh", "logout"]


@pytest.mark.parametrize("route", BODY_ROUTES)
@pytest.mark.parametrize(("body", "kind", "code"), BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_what_is_no_json_object_is_400(
    client: FlaskClient,
    caplog: pytest.LogCaptureFixture,
    route: str,
    body: str | bytes,
    kind: str | None,
    code: str,
) -> None:
    answer = client.post(f"/api/auth/{route}", data=body, content_type=kind)
    if not body and route in ("refresh", "logout"):
        assert_error(answer, 401, "token_missing")  # their token may come otherwise
    else:
        assert_error(answer, 400, code)
    assert "Traceback" not in caplog.text


BAD_FIELDS = [
    ({}, ["username", "password"]),
    ({"username": "alice"}, ["password"]),
    ({**ALICE, "admin": True}, ["admin"]),
    ({**ALICE, "": "x"}, [""]),
    ({"username": 7, "password": "correct horse"}, ["username"]),
    ({"username": None, "password": "correct horse"}, ["username"]),
    ({"username": ["alice"], "password": {"a": 1}}, ["username", "password"]),
    ({"username": True, "password": 1.5}, ["username", "password"]),
    ({**ALICE, "x" * 5000: 1}, ["x" * 64]),
]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
FIELDS = st.dictionaries(
    st.sampled_from(["username", "password", "refresh_token", "x"]), st.text() | ANYTHING
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(route=st.sampled_from(BODY_ROUTES), body=st.binary() | ANYTHING | FIELDS)
def test_no_body_whatever_makes_the_server_fail(
    client: FlaskClient, route: str, body: object
) -> None:
    data = body if isinstance(body, bytes) else json.dumps(body)
    answer = client.post(f"/api/auth/{route}", data=data, content_type="application/json")
    assert 400 <= answer.status_code < 500 or answer.status_code == 201
    if answer.status_code != 201:
        assert list(answer.get_json()) == ["error"]


@pytest.mark.parametrize("route", ["register", "login"])
@pytest.mark.parametrize(("body", "fields"), BAD_FIELDS)
def test_missing_unknown_and_mistyped_fields_are_named(
    client: FlaskClient, route: str, body: dict[str, Any], fields: list[str]
) -> None:
    answer = client.post(f"/api/auth/{route}", json=body)
    assert_error(answer, 400, "validation_failed", fields)


def test_of_many_unknown_fields_a_few_are_named(client: FlaskClient) -> None:
    answer = client.post("/api/auth/login", json={**ALICE, **{f"f{n}": n for n in range(500)}})
    assert answer.status_code == 400
    assert len(answer.get_json()["error"]["fields"]) == 10


@pytest.mark.parametrize("route", ["refresh", "logout"])
@pytest.mark.parametrize("body", [{"refresh_token": 7}, {"token": "x"}, {"refresh_token": None}])
def test_refresh_and_logout_are_as_strict(
    client: FlaskClient, route: str, body: dict[str, Any]
) -> None:
    answer = client.post(f"/api/auth/{route}", json=body)
    assert_error(answer, 400, "validation_failed", list(body))


@pytest.mark.parametrize("route", BODY_ROUTES)
def test_a_large_body_is_refused_unread(client: FlaskClient, route: str) -> None:
    body = json.dumps({"username": "a" * 20_000, "password": "x"})
    answer = client.post(f"/api/auth/{route}", data=body, content_type="application/json")
    assert_error(answer, 413, "payload_too_large")


@pytest.mark.parametrize(
    "username",
    ["al\0ce", "\u00e4\u00f6\u00fc", "\U0001f511\U0001f511\U0001f511", "a" * 9000, "", "' OR 1=1"],
)
def test_no_name_however_odd_makes_a_login_fail_otherwise(
    client: FlaskClient, username: str
) -> None:
    answer = client.post("/api/auth/login", json={"username": username, "password": "x"})
    assert_error(answer, 401, "invalid_credentials")


def test_a_password_beyond_the_limit_is_not_hashed(client: FlaskClient) -> None:
    answer = client.post("/api/auth/login", json={"username": "alice", "password": "x" * 129})
    assert_error(answer, 400, "validation_failed", ["password"])


@pytest.mark.parametrize("route", BODY_ROUTES)
def test_other_methods_are_405_and_say_which_are_allowed(client: FlaskClient, route: str) -> None:
    answer = client.get(f"/api/auth/{route}")
    assert_error(answer, 405, "method_not_allowed")
    assert "POST" in answer.headers["Allow"]


# --- limits -------------------------------------------------------------------------------------
def login(client: FlaskClient, username: str, password: str, address: str = "10.0.0.1") -> int:
    answer = client.post(
        "/api/auth/login",
        json={"username": username, "password": password},
        environ_base={"REMOTE_ADDR": address},
    )
    if answer.status_code == 429:
        assert_error(answer, 429, "rate_limited")
        assert 1 <= int(answer.headers["Retry-After"]) <= 300
    return answer.status_code


def test_guesses_at_one_name_are_limited_and_touch_nobody_else(accounts_app: AccountsApp) -> None:
    client = accounts_app.app.test_client()
    client.post("/api/auth/register", json=ALICE)
    client.post("/api/auth/register", json={**ALICE, "username": "bob"})
    guesses = [login(client, "alice", f"guess number {n}") for n in range(12)]
    assert guesses == [401] * 10 + [429] * 2
    assert accounts_app.refusals == {"guesses_at_account": 2}
    # Not even in other capitals, or with the right password.
    assert login(client, "ALICE", "correct horse") == 429
    assert login(client, "bob", "correct horse") == 200
    # Nor from elsewhere, unless the owner has been there before.
    assert login(client, "alice", "correct horse", address="10.0.0.2") == 429
    assert login(client, "alice", "correct horse", address="127.0.0.1") == 200


def test_the_owner_logs_in_with_a_browser_that_did_before_while_others_guess(
    accounts_app: AccountsApp,
) -> None:
    laptop, guesser = accounts_app.app.test_client(), accounts_app.app.test_client()
    laptop.post("/api/auth/register", json=ALICE)
    assert login(laptop, "alice", "correct horse", address="10.0.0.1") == 200
    cookie = laptop.get_cookie(DEVICE_COOKIE, path="/api/auth/login")
    assert cookie is not None
    for n in range(30):
        login(guesser, "alice", f"guess number {n}", address=f"10.0.1.{n}")
    assert login(guesser, "alice", "correct horse", address="10.0.2.1") == 429
    assert login(laptop, "alice", "correct horse", address="10.0.2.1") == 200
    # Whoever stole the cookie has ten guesses with it.
    guesses = [login(laptop, "alice", f"guess {n}", address="10.0.2.2") for n in range(11)]
    assert guesses == [401] * 10 + [429]


def test_the_cookie_of_a_device_is_out_of_reach_of_script_and_of_other_sites(
    client: FlaskClient,
) -> None:
    client.post("/api/auth/register", json=ALICE)
    attributes = cookie_of(client.post("/api/auth/login", json=ALICE), DEVICE_COOKIE).split("; ")
    assert {"HttpOnly", "SameSite=Strict", "Path=/api/auth/login"} <= {*attributes}


def test_a_new_account_s_owner_is_known_where_it_was_made(client: FlaskClient) -> None:
    client.post("/api/auth/register", json=ALICE, environ_base={"REMOTE_ADDR": "10.0.0.1"})
    for n in range(12):
        login(client, "alice", f"guess number {n}", address="10.0.0.2")
    client.delete_cookie(DEVICE_COOKIE, path="/api/auth/login")
    assert login(client, "alice", "correct horse", address="10.0.0.1") == 200


def test_an_address_makes_no_more_accounts_than_its_share(build_app: BuildApp) -> None:
    counters = BoundedCounters()
    built = build_app(counters=counters)
    client = built.app.test_client()
    counters.incr("registrations from 127.0.0.1", 3600, REGISTRATIONS_PER_ADDRESS - 1)
    statuses = [
        client.post("/api/auth/register", json={**ALICE, "username": f"user{n}"}).status_code
        for n in range(2)
    ]
    assert statuses == [201, 429]
    assert built.refusals == {"registrations_per_address": 1}
    other = {"REMOTE_ADDR": "10.0.0.2"}
    answer = client.post("/api/auth/register", json=ALICE, environ_base=other)
    assert answer.status_code == 201


def test_one_guess_at_each_of_many_names_is_limited_too(accounts_app: AccountsApp) -> None:
    client = accounts_app.app.test_client()
    guesses = [login(client, f"user{n}", "one password") for n in range(101)]
    assert guesses == [401] * 100 + [429]
    assert accounts_app.refusals == {"failed_logins_per_address": 1}
    assert login(client, "user1", "one password", address="10.0.0.2") == 401


def test_successful_logins_are_not_counted_as_failures(client: FlaskClient) -> None:
    client.post("/api/auth/register", json=ALICE)
    assert {login(client, "alice", "correct horse") for _ in range(150)} == {200}


def test_registrations_and_refreshes_are_limited(client: FlaskClient) -> None:
    statuses = [client.post("/api/auth/register", json={}).status_code for _ in range(301)]
    assert statuses == [400] * 300 + [429]
    statuses = [client.post("/api/auth/refresh").status_code for _ in range(121)]
    assert statuses == [401] * 120 + [429]


# --- the refresh cookie -------------------------------------------------------------------------
def cookie_of(answer: TestResponse, name: str = REFRESH_COOKIE) -> str:
    (cookie,) = (c for c in answer.headers.getlist("Set-Cookie") if c.startswith(f"{name}="))
    return cookie


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
