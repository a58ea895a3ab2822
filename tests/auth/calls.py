"""What tests ask of the account routes, and the shapes that they answer with."""

from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend.auth.cookies import REFRESH_COOKIE

ALICE = {"username": "Alice", "password": "correct horse"}
COOKIE = {"X-Refresh-Cookie": "1"}


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


def cookie_of(answer: TestResponse, name: str = REFRESH_COOKIE) -> str:
    (cookie,) = (c for c in answer.headers.getlist("Set-Cookie") if c.startswith(f"{name}="))
    return cookie
