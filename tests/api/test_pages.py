"""The dashboard's files, or what is missing."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from backend.api.errors import register_error_handlers
from backend.api.pages import pages_blueprint

Get = Callable[[str], TestResponse]


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return tmp_path / "dist"


@pytest.fixture
def get(dist: Path) -> Get:
    app = Flask(__name__, static_folder=None)
    register_error_handlers(app)
    app.register_blueprint(pages_blueprint(dist))

    def get(path: str) -> TestResponse:
        # Read whole and closed, as a server does with a file that it has sent.
        return app.test_client().get(path, buffered=True)

    return get


def build(dist: Path) -> None:
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("the page")
    (dist / "icon.svg").write_text("<svg/>")
    (dist / "assets" / "index-abc.js").write_text("script")


def test_without_a_build_the_page_says_what_is_missing(get: Get) -> None:
    answer = get("/")
    assert answer.status_code == 200
    assert "Node.js 20.19" in answer.text and "make run" in answer.text
    assert get("/market").status_code == 404


def test_any_path_that_is_no_file_is_the_pages_own(get: Get, dist: Path) -> None:
    build(dist)
    for path in ("/", "/market", "/market/BTC"):
        assert get(path).text == "the page"
        assert "no-cache" in get(path).headers["Cache-Control"]
    assert get("/icon.svg").text == "<svg/>"


def test_built_assets_may_be_kept_for_ever(get: Get, dist: Path) -> None:
    build(dist)
    header = get("/assets/index-abc.js").headers["Cache-Control"]
    assert "immutable" in header and "max-age=31536000" in header
    assert get("/assets/index-old.js").status_code == 404


@pytest.mark.parametrize("path", ["/../app.py", "/assets/../../secret", "/%2e%2e/secret"])
def test_nothing_outside_the_build_is_served(path: str, get: Get, dist: Path) -> None:
    build(dist)
    (dist.parent / "secret").write_text("secret")
    assert "secret" not in get(path).text


def test_the_api_and_the_stream_are_never_answered_with_the_page(get: Get, dist: Path) -> None:
    build(dist)
    assert get("/api/nothing").status_code == 404
    assert get("/socket.io/nothing").status_code == 404


def test_a_name_that_no_file_can_have_is_a_page(get: Get, dist: Path) -> None:
    build(dist)
    assert get("/" + "a" * 300).text == "the page"
    assert get("/assets/" + "a" * 300).status_code == 404


def test_calls_that_do_not_exist_are_no_pages(get: Get, dist: Path) -> None:
    build(dist)
    for path in ("/api/nothing", "/socket.io/nothing"):
        assert get(path).status_code == 404
