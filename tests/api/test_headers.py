from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from backend.api.headers import register_headers
from backend.config import load_settings

PAGE = "https://app.example"


def client(**changes: Any) -> Any:
    app = Flask("headers")
    settings = load_settings({"JWT_SECRET_KEY": "x" * 32}, Path("unused"))
    register_headers(app, replace(settings, **changes))
    for path in ("/", "/health", "/api/market/quotes", "/api/auth/me"):
        app.add_url_rule(path, endpoint=path, view_func=lambda: "", methods=["GET", "POST"])
    return app.test_client()


@pytest.mark.parametrize("path", ["/", "/health", "/api/auth/me", "/nowhere"])
def test_every_answer_tells_browsers_what_they_may_do(path: str) -> None:
    headers = client().get(path).headers
    policy = headers["Content-Security-Policy"].split("; ")
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in policy
    assert "default-src 'self'" in policy
    assert "connect-src 'self' ws: wss:" in policy
    assert not any("script-src" in part or "unsafe-eval" in part for part in policy)


def test_https_is_demanded_in_production_only() -> None:
    name = "Strict-Transport-Security"
    assert name not in client().get("/").headers
    assert "max-age=" in client(app_env="production", cors_origins=()).get("/").headers[name]


def test_answers_of_the_account_routes_are_not_stored() -> None:
    assert client().get("/api/auth/me").headers["Cache-Control"] == "no-store"
    assert "Cache-Control" not in client().get("/api/market/quotes").headers


def test_any_page_may_ask_in_development() -> None:
    headers = client(cors_origins=("*",)).get("/api/auth/me", headers={"Origin": PAGE}).headers
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize("path", ["/health", "/api/market/quotes"])
def test_named_origins_and_no_others_may_ask(path: str) -> None:
    named = client(cors_origins=(PAGE, "https://second.example"))
    allowed = named.get(path, headers={"Origin": PAGE}).headers
    assert allowed["Access-Control-Allow-Origin"] == PAGE
    assert "Origin" in allowed["Vary"]
    assert "Retry-After" in allowed["Access-Control-Expose-Headers"]
    other = named.get(path, headers={"Origin": "https://evil.example"}).headers
    assert "Access-Control-Allow-Origin" not in other


def test_without_origins_no_page_of_elsewhere_may_ask() -> None:
    headers = client(cors_origins=()).get("/api/auth/me", headers={"Origin": PAGE}).headers
    assert "Access-Control-Allow-Origin" not in headers


def test_a_preflight_allows_tokens_and_json() -> None:
    answer = client(cors_origins=(PAGE,)).options(
        "/api/auth/me",
        headers={
            "Origin": PAGE,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, content-type",
        },
    )
    assert answer.status_code == 200
    allowed = answer.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert sorted(allowed) == ["authorization", "content-type"]
