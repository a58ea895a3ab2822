"""The document describes the routes that there are, and a page shows it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from backend import protocol
from backend.api.openapi.document import LEFT_OUT
from backend.api.openapi.operations import OPERATIONS
from backend.api.openapi.shapes import ERROR_CODES
from tests.servers import PATIENCE, ROOT, Server
from tests.test_docs import REST_ONLY

# In a process of its own, since it is patched, and opens a database.
LIST_ENDPOINTS = """
import app, sys
from pathlib import Path
from backend.config import load_settings
folder = Path(sys.argv[1])
built = app.create_app(load_settings({"DATABASE_URL": f"sqlite:///{folder}/crs.db"}, folder))
print(*{rule.endpoint for rule in built.url_map.iter_rules()})
built.extensions["crs"].close()
"""


def test_every_route_is_described_and_no_other(tmp_path: Path) -> None:
    listed = subprocess.run(
        [sys.executable, "-c", LIST_ENDPOINTS, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert set(listed.stdout.split()) - LEFT_OUT == OPERATIONS.keys()


def test_every_code_of_an_error_is_listed() -> None:
    tokens = (
        value.code for value in vars(protocol).values() if type(value) is protocol.AuthFailure
    )
    rest = (getattr(protocol, name) for name in REST_ONLY)
    assert sorted(ERROR_CODES) == sorted(
        {*rest, *tokens, protocol.UNKNOWN_SYMBOL, protocol.TOO_MANY_SYMBOLS}
    )


def test_the_document_is_of_the_server_that_serves_it(server: Server) -> None:
    answer = server.get("/api/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    document = answer.json()
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == protocol.VERSION
    symbols = [each["symbol"] for each in server.get("/api/market/symbols").json()["symbols"]]
    assert document["components"]["schemas"]["Symbol"]["enum"] == symbols


def test_every_reference_leads_somewhere(server: Server) -> None:
    text = server.get("/api/openapi.json").text
    named = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert named == server.get("/api/openapi.json").json()["components"]["schemas"].keys()


def test_the_page_shows_every_call_and_loads_nothing(server: Server) -> None:
    answer = server.get("/api/docs")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    for path in server.get("/api/openapi.json").json()["paths"]:
        assert f"<code>{path}</code>" in answer.text
    assert not re.search(r"<script|src=|<link|@import|url\(|://", answer.text)
    targets = set(re.findall(r'href="#(\w+)"', answer.text))
    assert targets <= set(re.findall(r'id="(\w+)"', answer.text))


@pytest.mark.parametrize("path", ["/api/auth/login", "/api/auth/logout"])
def test_a_method_that_a_call_has_not_is_refused_with_those_it_has(
    path: str, server: Server
) -> None:
    answer = server.get(path)
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == protocol.METHOD_NOT_ALLOWED
    assert set(answer.headers["Allow"].split(", ")) == {"POST", "OPTIONS"}
