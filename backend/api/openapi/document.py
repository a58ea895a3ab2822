"""Puts the document together from the routes of an application and `OPERATIONS`."""

import re
from http import HTTPStatus
from typing import Any

from flask import Flask
from werkzeug.routing import Rule

from backend.api.openapi.operations import JSON, OPERATIONS, Operation, Parameter
from backend.api.openapi.shapes import TEXT as TEXT_SHAPE
from backend.api.openapi.shapes import Schema, integer, ref, schemas
from backend.protocol import VERSION

# The dashboard's files, which are for browsers.
LEFT_OUT = frozenset(("pages.page",))
# Flask adds these by itself.
AUTOMATIC_METHODS = frozenset(("HEAD", "OPTIONS"))
BEARER = "bearer"
TEXT = (
    "Live crypto market data, sentiment and signals. The stream itself speaks Socket.IO, which "
    "OpenAPI has no words for: docs/protocol.md describes it."
)

_ERROR_HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"const": "Bearer"}}},
    429: {"Retry-After": {"description": "seconds", "schema": integer(1)}},
    503: {"Retry-After": {"description": "seconds", "schema": integer(1)}},
}


def document(app: Flask, symbols: tuple[str, ...]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of the routes of `app`, which carries these symbols."""
    paths: dict[str, dict[str, Any]] = {}
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: rule.rule):
        operation = OPERATIONS.get(rule.endpoint)
        if operation is not None:
            path = paths.setdefault(re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), {})
            for method in sorted((rule.methods or set()) - AUTOMATIC_METHODS):
                path[method.lower()] = _operation(rule, operation)
    return {
        "openapi": "3.1.0",
        "info": {"title": "CRS", "version": VERSION, "description": TEXT},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas(symbols),
            "securitySchemes": {
                BEARER: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
            },
        },
    }


def _operation(rule: Rule, operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": rule.endpoint,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": {
            str(status): _answer(schema, HTTPStatus(status).phrase, operation.content_type)
            for status, schema in operation.answers.items()
        }
        | {str(status): _error(status) for status in sorted(operation.errors)},
    }
    if operation.csv:
        described["responses"]["200"]["content"]["text/csv"] = {"schema": TEXT_SHAPE}
    if operation.parameters:
        described["parameters"] = [_parameter(each) for each in operation.parameters]
    if operation.body is not None:
        described["requestBody"] = {
            "required": operation.body_required,
            "content": {JSON: {"schema": operation.body}},
        }
    if operation.token is not False:
        described["security"] = [{BEARER: []}] + ([{}] if operation.token is None else [])
    return described


def _answer(schema: Schema, text: str, content_type: str) -> dict[str, Any]:
    return {"description": text, "content": {content_type: {"schema": schema}}}


def _error(status: int) -> dict[str, Any]:
    answer = _answer(ref("Error"), HTTPStatus(status).phrase, JSON)
    if status in _ERROR_HEADERS:
        answer["headers"] = _ERROR_HEADERS[status]
    return answer


def _parameter(parameter: Parameter) -> dict[str, Any]:
    described = {
        "name": parameter.name,
        "in": parameter.where,
        "description": parameter.text,
        "required": parameter.required,
        "schema": parameter.schema,
    }
    if parameter.schema.get("type") == "array":
        described |= {"style": "form", "explode": False}
    return described
