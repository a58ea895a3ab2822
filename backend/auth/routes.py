"""`/api/auth/*`: register, log in, refresh, log out.

A page that must not hold its refresh token in script asks for a cookie instead, with the header
`X-Refresh-Cookie: 1`: see `docs/accounts.md`.
"""

from flask import Blueprint, Response, g, jsonify, request
from flask_limiter import Limiter

from backend.api.errors import ApiError, json_object, optional_json_object, text_fields
from backend.api.headers import AUTH_PREFIX
from backend.api.limits import client_network
from backend.auth.accounts import PASSWORD_MAX_CHARS, Accounts, Client, credential_problems
from backend.auth.cookies import Cookies
from backend.auth.gate import InvalidCredentials
from backend.auth.guard import BEARER, Guard, access_required, claims
from backend.auth.session_routes import add_session_routes
from backend.auth.sessions import Grant, LoginSessions
from backend.clock import iso
from backend.protocol import INVALID_CREDENTIALS, USERNAME_TAKEN, VALIDATION_FAILED
from backend.storage.sessions import Origin
from backend.storage.users import User, UsernameTaken

# Each login costs 25 ms of a core. Twenty a second still lets a fleet behind one address start.
LOGINS_PER_ADDRESS = "1200/minute"
# Also of those that fail; how many accounts an address may make says `attempts`.
REGISTRATIONS_PER_ADDRESS = "300/minute"
# A client refreshes about once in an access token's lifetime.
REFRESHES_PER_ADDRESS = "120/minute"


def auth_blueprint(
    accounts: Accounts,
    sessions: LoginSessions,
    cookies: Cookies,
    guard: Guard,
    limiter: Limiter,
) -> Blueprint:
    """The routes of `/api/auth`."""
    blueprint = Blueprint("auth", __name__, url_prefix=AUTH_PREFIX.rstrip("/"))

    def client() -> Client:
        origin = Origin(request.remote_addr or "", request.user_agent.string)
        return Client(client_network(), cookies.device(), origin)

    def wrong_password(_error: InvalidCredentials) -> Response:
        # Not the name: people type passwords into that field.
        return guard.refuse(INVALID_CREDENTIALS, "The username or the password is wrong")

    blueprint.register_error_handler(InvalidCredentials, wrong_password)

    @blueprint.post("/register")
    @limiter.limit(REGISTRATIONS_PER_ADDRESS)
    def register() -> tuple[Response, int]:
        fields = text_fields(json_object(), ("username", "password"))
        problems = credential_problems(fields["username"], fields["password"])
        if problems:
            raise ApiError(400, VALIDATION_FAILED, "The account can't be made so", problems)
        try:
            user = accounts.register(fields["username"], fields["password"], client())
        except UsernameTaken as error:
            raise ApiError(409, USERNAME_TAKEN, "Somebody has this username already") from error
        return jsonify(_profile(user)), 201

    @blueprint.post("/login")
    @limiter.limit(LOGINS_PER_ADDRESS)
    def login() -> Response:
        fields = text_fields(json_object(), ("username", "password"))
        if len(fields["password"]) > PASSWORD_MAX_CHARS:
            problem = f"has at most {PASSWORD_MAX_CHARS} characters"
            raise ApiError(400, VALIDATION_FAILED, "Nobody's password", {"password": problem})
        grant, device = accounts.log_in(fields["username"], fields["password"], client())
        response = _granted(grant, cookies)
        cookies.keep_device(response, device)
        return response

    @blueprint.post("/refresh")
    @limiter.limit(REFRESHES_PER_ADDRESS)
    def refresh() -> Response:
        grant = sessions.refresh(_presented_token(cookies), client().origin)
        return _granted(grant, cookies)

    @blueprint.post("/logout")  # unlimited: only a session's first one reaches the database
    def logout() -> Response:
        sessions.log_out(_presented_token(cookies))
        response = jsonify(status="logged_out")
        if cookies.wanted():
            cookies.remove_refresh_token(response)
        return response

    @blueprint.get("/me")
    @access_required
    def me() -> Response:
        return jsonify(_profile(sessions.user(claims())))

    add_session_routes(blueprint, accounts, sessions, cookies, client, limiter)
    return blueprint


def _profile(user: User) -> dict[str, object]:
    return {"id": user.id, "username": user.username, "created_at": iso(user.created_at_ms)}


def _granted(grant: Grant, cookies: Cookies) -> Response:
    body = {
        "access_token": grant.access_token,
        "refresh_token": grant.refresh_token,
        "token_type": "Bearer",
        "expires_in": grant.expires_in,
        "user": {"id": grant.user.id, "username": grant.user.username},
    }
    if not cookies.wanted():
        return jsonify(body)
    del body["refresh_token"]
    response = jsonify(body)
    cookies.keep_refresh_token(response, grant.refresh_token, grant.refresh_expires_in)
    return response


def _presented_token(cookies: Cookies) -> str | None:
    """The token in the body, in the cookie where the header says so, or as Bearer: the first."""
    body = text_fields(optional_json_object(), (), ("refresh_token",))
    if "refresh_token" in body:
        return body["refresh_token"]
    kept = cookies.refresh_token()
    if kept is not None:
        g.cookie_presented = True
        return kept
    header = request.headers.get("Authorization", "")
    return header.removeprefix(BEARER) if header.startswith(BEARER) else None
