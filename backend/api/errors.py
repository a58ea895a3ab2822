"""The one shape of an error over HTTP, and strict reading of JSON bodies.

{"error": {"code": "...", "message": "...", "fields": {"<field>": "<what is allowed>"}?}}
"""

import logging
from collections.abc import Iterable, Mapping

import orjson
from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from backend.offload import Overloaded
from backend.protocol import (
    BAD_JSON,
    BAD_REQUEST,
    INTERNAL_ERROR,
    METHOD_NOT_ALLOWED,
    NOT_FOUND,
    PAYLOAD_TOO_LARGE,
    RATE_LIMITED,
    UNAVAILABLE,
    UNSUPPORTED_MEDIA_TYPE,
    VALIDATION_FAILED,
)
from backend.storage.database import StorageUnavailable

log = logging.getLogger(__name__)

# The largest genuine body, a login, stays under 2 KB even with every character escaped.
BODY_MAX_BYTES = 16 * 1024
# A client's own words are repeated to it in errors, but never more than this of them.
ECHO_MAX_CHARS = 64
ECHO_MAX_FIELDS = 10
# What overloads the process passes within seconds.
RETRY_AFTER_S = 2

# By HTTP status: the code, and the message where the library's own would not fit.
_HTTP_ERRORS = {
    400: (BAD_REQUEST, "The request is malformed"),
    404: (NOT_FOUND, "There is nothing at this address"),
    405: (METHOD_NOT_ALLOWED, "The method is not allowed here"),
    413: (PAYLOAD_TOO_LARGE, f"A body may have {BODY_MAX_BYTES} bytes"),
    415: (UNSUPPORTED_MEDIA_TYPE, "Send JSON, with Content-Type: application/json"),
    429: (RATE_LIMITED, "Too many requests"),
    503: (UNAVAILABLE, "The service can't answer now; try again"),
}


class ApiError(Exception):
    """A request that can't be served, in the terms of the client: raise it anywhere in a view."""

    def __init__(
        self, status: int, code: str, message: str, fields: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields


def error_response(
    code: str, message: str, status: int, fields: Mapping[str, str] | None = None
) -> Response:
    """A response in the one shape; `fields` says per field what would be allowed."""
    error: dict[str, object] = {"code": code, "message": message}
    if fields:
        error["fields"] = dict(fields)
    response = jsonify(error=error)
    response.status_code = status
    return response


def register_error_handlers(app: Flask) -> None:
    """Answer every error of `app` in the one shape; log those that are our own fault, once."""
    app.register_error_handler(ApiError, _on_api_error)
    app.register_error_handler(HTTPException, _on_http_exception)
    app.register_error_handler(Overloaded, _on_unavailable)
    app.register_error_handler(StorageUnavailable, _on_unavailable)
    app.register_error_handler(Exception, _on_bug)


def json_object() -> dict[str, object]:
    """The request's body, which has to be a JSON object. Raises `ApiError` 400, or 413."""
    # A body is read once, and the limits ask for it before the view does.
    if "json_object" not in g:
        try:
            g.json_object = _read_json_object()
        except (ApiError, HTTPException) as error:
            g.json_object = error
    if isinstance(g.json_object, Exception):
        raise g.json_object
    body: dict[str, object] = g.json_object
    return body


def optional_json_object() -> dict[str, object]:
    """Likewise, and `{}` for a request without a body."""
    return json_object() if _body() else {}


def text_fields(
    body: Mapping[str, object], required: Iterable[str], optional: Iterable[str] = ()
) -> dict[str, str]:
    """The fields of `body`, all strings; a missing, unknown or other one raises `ApiError` 400."""
    required, known = tuple(required), {*required, *optional}
    problems = {name: "is required" for name in required if name not in body}
    for name, value in body.items():
        if name not in known:
            problems[name[:ECHO_MAX_CHARS]] = "is unknown"
        elif not isinstance(value, str):
            problems[name] = "must be a string"
        if len(problems) >= ECHO_MAX_FIELDS:
            break
    if problems:
        raise ApiError(400, VALIDATION_FAILED, "The request's fields can't be used", problems)
    return {name: str(value) for name, value in body.items()}


def _body() -> bytes:
    # One byte more shows that there is more: a body in chunks is cut at the limit without a word.
    request.max_content_length = BODY_MAX_BYTES + 1
    body = request.get_data()
    if len(body) > BODY_MAX_BYTES:
        raise RequestEntityTooLarge
    return body


def _read_json_object() -> dict[str, object]:
    body = _body()
    if not request.is_json:
        raise ApiError(400, *_HTTP_ERRORS[415])
    try:
        # Unlike the standard library's, this parser also refuses NaN, lone surrogates and nesting
        # that would exhaust the stack.
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ApiError(400, BAD_JSON, "The body is not valid JSON") from error
    if not isinstance(value, dict):
        raise ApiError(400, BAD_JSON, "The body must be a JSON object")
    return value


def _on_api_error(error: ApiError) -> Response:
    return error_response(error.code, error.message, error.status, error.fields)


def _on_http_exception(error: HTTPException) -> Response | HTTPException:
    if error.response is not None or error.code is None or error.code < 400:
        return error  # a redirect, or an answer that was made already
    status = 400 if error.code == 415 else error.code
    fallback = (INTERNAL_ERROR, "") if error.code >= 500 else (BAD_REQUEST, "")
    code, message = _HTTP_ERRORS.get(error.code, fallback)
    response = error_response(code, message or error.name, status)
    for name, value in error.get_headers():
        # Such as Allow and Retry-After; the body is ours.
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _on_unavailable(error: Exception) -> Response:
    log.warning("%s answered 503: %s: %s", request.path, type(error).__name__, error)
    code, message = _HTTP_ERRORS[503]
    response = error_response(code, message, 503)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _on_bug(error: Exception) -> Response:
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return error_response(INTERNAL_ERROR, "The server failed on this request", 500)
