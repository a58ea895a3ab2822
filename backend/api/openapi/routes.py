"""`GET /api/openapi.json`, and `GET /api/docs`: the same to read."""

import functools
from typing import Any

import orjson
from flask import Blueprint, Response, current_app, render_template

from backend.api.openapi.document import document as made_of


def openapi_blueprint(symbols: tuple[str, ...]) -> Blueprint:
    """Serves the document of the application that it is registered with, routes of other
    blueprints included; it is made at the first request."""
    blueprint = Blueprint("openapi", __name__, template_folder="../templates")

    @functools.cache
    def made() -> dict[str, Any]:
        return made_of(current_app, symbols)

    @functools.cache
    def encoded() -> bytes:
        return orjson.dumps(made())

    @functools.cache
    def rendered() -> str:
        return render_template("docs.html", document=made())

    @blueprint.get("/api/openapi.json")
    def document() -> Response:
        return Response(encoded(), content_type="application/json")

    @blueprint.get("/api/docs")
    def page() -> Response:
        return Response(rendered(), content_type="text/html; charset=utf-8")

    return blueprint
