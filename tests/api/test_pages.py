"""The dashboard's files, or what is missing."""

import gzip
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from backend.api.built_files import BuiltFiles
from backend.api.errors import register_error_handlers
from backend.api.pages import pages_blueprint

Get = Callable[..., TestResponse]
FILES_OPEN = Path("/proc/self/fd")
BROWSER = {"Accept-Encoding": "gzip, deflate, br, zstd"}


@pytest.fixture
def dist(tmp_path: Path) -> Path:
    return tmp_path / "dist"


@pytest.fixture
def get(dist: Path) -> Get:
    app = Flask(__name__, static_folder=None)
    register_error_handlers(app)
    app.register_blueprint(pages_blueprint(dist))

    def get(path: str, **headers: str) -> TestResponse:
        return app.test_client().get(path, headers=headers)

    return get


def build(dist: Path) -> None:
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("the page")
    (dist / "icon.svg").write_text("<svg/>")
    script = dist / "assets" / "index-abc.js"
    script.write_text("script")
    script.with_suffix(".js.gz").write_bytes(gzip.compress(b"script", mtime=0))
    script.with_suffix(".js.br").write_bytes(b"script in brotli")


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


@pytest.mark.parametrize(
    ("accepted", "encoding", "body"),
    [
        ("gzip, deflate, br, zstd", "br", b"script in brotli"),
        ("gzip", "gzip", gzip.compress(b"script", mtime=0)),
        ("br;q=0, gzip;q=0.5", "gzip", gzip.compress(b"script", mtime=0)),
        ("identity", None, b"script"),
        ("", None, b"script"),
    ],
)
def test_the_smallest_form_that_a_client_takes_is_sent(
    accepted: str, encoding: str | None, body: bytes, get: Get, dist: Path
) -> None:
    build(dist)
    answer = get("/assets/index-abc.js", **{"Accept-Encoding": accepted})
    assert answer.headers.get("Content-Encoding") == encoding
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.content_type == "text/javascript; charset=utf-8"
    assert answer.data[:3] == body[:3] and answer.content_length == len(body)


def test_what_a_browser_has_is_not_sent_again(get: Get, dist: Path) -> None:
    build(dist)
    first = get("/", **BROWSER)
    again = get("/", **{"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304 and not again.data
    # Each form of a file has a tag of its own, or a cache would mix them up.
    script = "/assets/index-abc.js"
    assert get(script).headers["ETag"] != get(script, **BROWSER).headers["ETag"]


def test_a_new_build_is_served_without_a_new_start(get: Get, dist: Path) -> None:
    build(dist)
    assert get("/").text == "the page"
    (dist / "index.html").write_text("the next page")
    assert get("/").text == "the next page"


@pytest.mark.parametrize(
    "path",
    [
        "/" + "a" * 256,
        "/assets/" + "a" * 256,
        "/markets/" + "%C3%A9" * 128,
        "/%00",
        "/assets/%00.js",
        "/markets/%0A",
        "/%ff%fe",
        "/assets/%ed%a0%80",
    ],
)
def test_a_name_that_no_file_can_have_is_not_found(path: str, get: Get, dist: Path) -> None:
    build(dist)
    assert get(path).status_code == 404


def test_what_is_kept_in_memory_is_bounded(dist: Path) -> None:
    dist.mkdir()
    files = BuiltFiles(dist, max_bytes=250)
    for number in range(10):
        (dist / f"{number}.txt").write_bytes(b"x" * 100)
        assert files.get(f"{number}.txt", lambda _encoding: True)
    assert files.size == 200


@pytest.mark.skipif(not FILES_OPEN.exists(), reason="lists open files as Linux does")
def test_an_answer_that_nobody_reads_holds_no_file(get: Get, dist: Path) -> None:
    build(dist)
    answers = [get(path, **BROWSER) for path in ("/", "/icon.svg", "/assets/index-abc.js")]
    held = [os.readlink(each) for each in FILES_OPEN.iterdir() if os.path.lexists(each)]
    assert len(answers) == 3 and [name for name in held if name.startswith(str(dist))] == []


def test_calls_that_do_not_exist_are_no_pages(get: Get, dist: Path) -> None:
    build(dist)
    for path in ("/api/nothing", "/socket.io/nothing"):
        assert get(path).status_code == 404
