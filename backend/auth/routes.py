"""`/api/auth/*`, and the guard for routes that need a token.

A page that must not hold its refresh token in script asks for a cookie instead, with the header
`X-Refresh-Cookie: 1`: see `docs/accounts.md`.
"""

import hashlib
import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Flask, Response, g, jsonify, request
from flask_jwt_extended import JWTManager, get_jwt, jwt_required
from flask_limiter import Limiter
from werkzeug.exceptions import HTTPException

from backend.api.errors import (
    ApiError,
    error_response,
    json_object,
    optional_json_object,
    text_fields,
)
from backend.api.headers import AUTH_PREFIX
from backend.api.limits import client_network
from backend.auth.accounts import (
    PASSWORD_MAX_CHARS,
    Accounts,
    Grant,
    InvalidCredentials,
    credential_problems,
)
from backend.auth.tokens import (
    ALGORITHM,
    TOKEN_MAX_CHARS,
    Revocations,
    TokenRejected,
    read_claims,
)
from backend.clock import iso
from backend.config import Settings
from backend.protocol import (
    INVALID_CREDENTIALS,
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    TOKEN_MISSING,
    TOKEN_REVOKED,
    USERNAME_TAKEN,
    VALIDATION_FAILED,
    AuthFailure,
)
from backend.storage.users import User, UsernameTaken

log = logging.getLogger(__name__)

# Guessing one account's password: a person mistypes a few times, and ten guesses a minute find
# nothing. Counts failures only, so a wrong guess elsewhere never keeps a script from working.
LOGIN_FAILURES_PER_NAME = "10/minute"
# Trying one password on many names, from one address.
LOGIN_FAILURES_PER_ADDRESS = "100/minute"
# Each login costs 25 ms of a core. Twenty a second still lets a fleet behind one address start.
LOGINS_PER_ADDRESS = "1200/minute"
# An account is made once; five a second lets a load test or a workshop make theirs.
REGISTRATIONS_PER_ADDRESS = "300/minute"
# A client refreshes about once in an access token's lifetime.
REFRESHES_PER_ADDRESS = "120/minute"

REFRESH_COOKIE = "crs_refresh"
# Only script of our own origin can set this header (CORS does not allow it), which together with
# SameSite=Strict is what keeps other sites from using the cookie.
REFRESH_COOKIE_HEADER = "X-Refresh-Cookie"

BEARER = "Bearer "

View = Callable[..., Any]


def register_auth(
    app: Flask,
    *,
    settings: Settings,
    accounts: Accounts,
    revocations: Revocations,
    limiter: Limiter,
    on_auth_failure: Callable[[str], None],
) -> None:
    """Serve `/api/auth/*` from `app` and make `access_required` work in it.

    `on_auth_failure` is called with the error code of every refused login and token.
    """

    def refuse(failure: AuthFailure) -> Response:
        on_auth_failure(failure.code)
        log.info("%s refused from %s: %s", request.path, request.remote_addr, failure.code)
        return _unauthorized(failure.code, failure.error)

    def on_token_rejected(error: TokenRejected) -> Response:
        response = refuse(error.failure)
        if g.get("cookie_presented"):
            response.delete_cookie(REFRESH_COOKIE, **_cookie_attributes(settings.production))
        return response

    app.register_error_handler(TokenRejected, on_token_rejected)
    _register_jwt(app, settings, revocations, refuse)
    app.register_blueprint(_auth_blueprint(settings, accounts, limiter, on_auth_failure))


def access_required(view: View) -> View:
    """Let a view be called with a valid access token as Bearer only."""
    checked: View = jwt_required()(view)

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        # The library parses what a token says before it has checked the signature.
        if len(request.headers.get("Authorization", "")) > len(BEARER) + TOKEN_MAX_CHARS:
            raise TokenRejected(TOKEN_INVALID)
        return checked(*args, **kwargs)

    return guarded


def _register_jwt(
    app: Flask,
    settings: Settings,
    revocations: Revocations,
    refuse: Callable[[AuthFailure], Response],
) -> None:
    """Make flask-jwt-extended judge as `Authenticator` does and answer in our shape."""
    app.config.update(
        JWT_SECRET_KEY=settings.jwt_secret_key,
        JWT_ALGORITHM=ALGORITHM,
        JWT_TOKEN_LOCATION=["headers"],
    )
    manager = JWTManager(app)
    manager.unauthorized_loader(lambda _reason: refuse(TOKEN_MISSING))
    manager.invalid_token_loader(lambda _reason: refuse(TOKEN_INVALID))
    manager.expired_token_loader(lambda _header, _payload: refuse(TOKEN_EXPIRED))
    manager.revoked_token_loader(lambda _header, _payload: refuse(TOKEN_REVOKED))
    manager.token_in_blocklist_loader(
        lambda _header, payload: str(payload.get("sid")) in revocations
    )
    manager.token_verification_loader(lambda _header, payload: read_claims(payload) is not None)
    manager.token_verification_failed_loader(lambda _header, _payload: refuse(TOKEN_INVALID))


def _auth_blueprint(
    settings: Settings,
    accounts: Accounts,
    limiter: Limiter,
    on_auth_failure: Callable[[str], None],
) -> Blueprint:
    blueprint = Blueprint("auth", __name__, url_prefix=AUTH_PREFIX.rstrip("/"))

    @blueprint.post("/register")
    @limiter.limit(REGISTRATIONS_PER_ADDRESS)
    def register() -> tuple[Response, int]:
        fields = text_fields(json_object(), ("username", "password"))
        problems = credential_problems(fields["username"], fields["password"])
        if problems:
            raise ApiError(400, VALIDATION_FAILED, "The account can't be made so", problems)
        try:
            user = accounts.register(fields["username"], fields["password"])
        except UsernameTaken as error:
            raise ApiError(409, USERNAME_TAKEN, "Somebody has this username already") from error
        return jsonify(_profile(user)), 201

    @blueprint.post("/login")
    @limiter.limit(LOGINS_PER_ADDRESS)
    @limiter.limit(LOGIN_FAILURES_PER_ADDRESS, deduct_when=_refused)
    @limiter.limit(LOGIN_FAILURES_PER_NAME, key_func=_address_and_name, deduct_when=_refused)
    def login() -> Response:
        fields = text_fields(json_object(), ("username", "password"))
        if len(fields["password"]) > PASSWORD_MAX_CHARS:
            problem = f"has at most {PASSWORD_MAX_CHARS} characters"
            raise ApiError(400, VALIDATION_FAILED, "Nobody's password", {"password": problem})
        try:
            grant = accounts.log_in(fields["username"], fields["password"])
        except InvalidCredentials:
            on_auth_failure(INVALID_CREDENTIALS)
            # Not the name: people type passwords into that field.
            log.info("Login refused from %s", request.remote_addr)
            return _unauthorized(INVALID_CREDENTIALS, "The username or the password is wrong")
        return _granted(grant, settings.production)

    @blueprint.post("/refresh")
    @limiter.limit(REFRESHES_PER_ADDRESS)
    def refresh() -> Response:
        return _granted(accounts.refresh(_presented_token()), settings.production)

    @blueprint.post("/logout")  # unlimited: only a session's first one reaches the database
    def logout() -> Response:
        accounts.log_out(_presented_token())
        response = jsonify(status="logged_out")
        if _wants_cookie():
            response.delete_cookie(REFRESH_COOKIE, **_cookie_attributes(settings.production))
        return response

    @blueprint.get("/me")
    @access_required
    def me() -> Response:
        claims = read_claims(get_jwt())
        if claims is None:
            raise TokenRejected(TOKEN_INVALID)
        return jsonify(_profile(accounts.user(claims)))

    return blueprint


def _profile(user: User) -> dict[str, object]:
    return {"id": user.id, "username": user.username, "created_at": iso(user.created_at_ms)}


def _granted(grant: Grant, production: bool) -> Response:
    body = {
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "token_type": "Bearer",
        "expires_in": grant.expires_in,
        "user": {"id": grant.user.id, "username": grant.user.username},
    }
    if not _wants_cookie():
        return jsonify(body)
    del body["refresh_token"]
    response = jsonify(body)
    response.set_cookie(
        REFRESH_COOKIE,
        grant.refresh_token,
        max_age=grant.refresh_expires_in,
        **_cookie_attributes(production),
    )
    return response


def _unauthorized(code: str, message: str) -> Response:
    response = error_response(code, message, 401)
    response.headers["WWW-Authenticate"] = BEARER.strip()
    return response


def _wants_cookie() -> bool:
    return request.headers.get(REFRESH_COOKIE_HEADER) == "1"


def _cookie_attributes(production: bool) -> dict[str, Any]:
    return {
        "path": AUTH_PREFIX.rstrip("/"),
        "httponly": True,
        "samesite": "Strict",
        "secure": production,
    }


def _presented_token() -> str | None:
    """The token in the body, in the cookie where the header says so, or as Bearer: the first."""
    body = text_fields(optional_json_object(), (), ("refresh_token",))
    if "refresh_token" in body:
        return body["refresh_token"]
    if _wants_cookie() and REFRESH_COOKIE in request.cookies:
        g.cookie_presented = True
        return request.cookies[REFRESH_COOKIE]
    header = request.headers.get("Authorization", "")
    return header.removeprefix(BEARER) if header.startswith(BEARER) else None


def _refused(response: Response) -> bool:
    return response.status_code == 401


def _address_and_name() -> str:
    """Whom a failed login counts against. Hashed, as the name is a stranger's and may be long."""
    try:
        name = str(json_object().get("username", ""))
    except (ApiError, HTTPException):
        name = ""  # the view will answer 400
    digest = hashlib.sha256(name.lower().encode()).hexdigest()
    return f"{client_network()} {digest[:32]}"
