import logging
from typing import Any

import pytest
from flask import Flask, redirect
from werkzeug.exceptions import ImATeapot, TooManyRequests

from backend.api.errors import (
    ApiError,
    error_response,
    json_object,
    optional_json_object,
    register_error_handlers,
    text_fields,
)
from backend.offload import Overloaded
from backend.storage.database import StorageUnavailable


@pytest.fixture
def app() -> Flask:
    app = Flask("errors")
    register_error_handlers(app)
    return app


def serve(app: Flask, view: Any, methods: tuple[str, ...] = ("GET", "POST")) -> Any:
    app.add_url_rule("/api/view", view_func=view, methods=methods, endpoint="view")
    return app.test_client()


def failing(app: Flask, error: Exception) -> Any:
    def view() -> None:
        raise error

    return serve(app, view).get("/api/view")


def test_an_error_has_code_message_and_fields_only_if_there_are_any(app: Flask) -> None:
    with app.app_context():
        plain = error_response("some_code", "Some text", 418)
        fields = error_response("some_code", "Some text", 418, {"name": "is wrong"})
    assert plain.status_code == 418
    assert plain.get_json() == {"error": {"code": "some_code", "message": "Some text"}}
    assert fields.get_json() == {
        "error": {"code": "some_code", "message": "Some text", "fields": {"name": "is wrong"}}
    }


def test_an_api_error_is_answered_as_it_says(app: Flask) -> None:
    answer = failing(app, ApiError(409, "taken", "Taken already", {"name": "is taken"}))
    assert answer.status_code == 409
    assert answer.get_json()["error"]["fields"] == {"name": "is taken"}


def test_a_bug_is_logged_once_with_its_traceback_and_answered_without_detail(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    answer = failing(app, RuntimeError("a private detail"))
    assert answer.status_code == 500
    assert answer.get_json()["error"]["code"] == "internal_error"
    assert "private" not in answer.text
    assert caplog.text.count("Traceback") == 1
    assert caplog.text.count("RuntimeError: a private detail") == 1


@pytest.mark.parametrize("error", [Overloaded("full"), StorageUnavailable("locked")])
def test_what_passes_by_itself_is_503_with_a_time_to_retry(
    app: Flask, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    answer = failing(app, error)
    assert answer.status_code == 503
    assert answer.get_json()["error"]["code"] == "unavailable"
    assert str(error) not in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "Traceback" not in caplog.text


def test_unknown_paths_and_methods_are_answered_in_the_one_shape(app: Flask) -> None:
    client = serve(app, lambda: "", methods=("POST",))
    nowhere, method = client.get("/nowhere"), client.get("/api/view")
    assert (nowhere.status_code, nowhere.get_json()["error"]["code"]) == (404, "not_found")
    assert (method.status_code, method.get_json()["error"]["code"]) == (405, "method_not_allowed")
    assert set(method.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}


def test_other_http_errors_keep_their_status_and_headers(app: Flask) -> None:
    assert failing(app, ImATeapot()).get_json()["error"]["code"] == "bad_request"
    app = Flask("other")
    register_error_handlers(app)
    answer = failing(app, TooManyRequests(retry_after=7))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert answer.get_json()["error"]["code"] == "rate_limited"


def test_redirects_are_no_errors(app: Flask) -> None:
    app.add_url_rule("/folder/", view_func=lambda: "", endpoint="folder")
    client = serve(app, lambda: redirect("/elsewhere"))
    assert client.get("/api/view").status_code == 302
    assert client.get("/folder").status_code == 308


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8"])
def test_a_json_object_is_read(app: Flask, kind: str) -> None:
    client = serve(app, lambda: json_object())
    answer = client.post("/api/view", data='{"a": [1, "\u00e4"]}', content_type=kind)
    assert answer.get_json() == {"a": [1, "\u00e4"]}


def test_a_body_may_be_absent_where_it_is_optional_only(app: Flask) -> None:
    assert serve(app, lambda: optional_json_object()).post("/api/view").get_json() == {}
    app = Flask("other")
    register_error_handlers(app)
    assert serve(app, lambda: json_object()).post("/api/view").status_code == 400


def test_fields_are_checked_by_name_and_type() -> None:
    assert text_fields({"a": "x"}, ["a"], ["b"]) == {"a": "x"}
    assert text_fields({"a": "x", "b": ""}, ["a"], ["b"]) == {"a": "x", "b": ""}
    with pytest.raises(ApiError) as caught:
        text_fields({"b": 1, "c": "x"}, ["a"], ["b"])
    assert caught.value.status == 400
    assert caught.value.fields == {
        "a": "is required",
        "b": "must be a string",
        "c": "is unknown",
    }
