"""Whatever is sent to the account routes, they say what is wrong with it."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.auth.calls import ALICE, assert_error

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
