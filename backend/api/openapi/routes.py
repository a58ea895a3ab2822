"""`GET /api/openapi.json`, and `GET /api/docs`: the same to read."""

import functools
from collections.abc import Iterable
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, render_template

from backend.api.openapi.document import document as made_of


def openapi_blueprint(roster: Iterable[str]) -> Blueprint:
    """Serves the document of the application that it is registered with, routes of other
    blueprints included; it is made at the first request, and when other symbols are served."""
    blueprint = Blueprint("openapi", __name__, template_folder="../templates")
    latest = functools.lru_cache(maxsize=1)

    @latest
    def made(symbols: tuple[str, ...]) -> dict[str, Any]:
        return made_of(current_app, symbols)

    @latest
    def encoded(symbols: tuple[str, ...]) -> bytes:
        return orjson.dumps(made(symbols))

    @latest
    def rendered(symbols: tuple[str, ...]) -> str:
        return render_template("docs.html", document=made(symbols))

    @blueprint.get("/api/openapi.json")
    def document() -> Response:
        return Response(encoded(tuple(roster)), content_type="application/json")

    @blueprint.get("/api/docs")
    def page() -> Response:
        return Response(rendered(tuple(roster)), content_type="text/html; charset=utf-8")

    return blueprint
