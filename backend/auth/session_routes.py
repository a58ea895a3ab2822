"""`/api/auth/sessions`, `/logout-all` and `/password`: what a user can do about open sessions."""

from collections.abc import Callable

from flask import Blueprint, Response, jsonify
from flask_limiter import Limiter

from backend.api.errors import ApiError, json_object, text_fields
from backend.auth.accounts import Accounts, Client, password_problem
from backend.auth.cookies import Cookies
from backend.auth.guard import access_required, claims
from backend.auth.sessions import LoginSessions
from backend.clock import iso
from backend.protocol import NOT_FOUND, VALIDATION_FAILED

# Each is two hashes, and nobody changes a password more than now and then.
PASSWORD_CHANGES_PER_ADDRESS = "60/minute"
# A page lists them when its user looks, and ends them one by one.
SESSION_CALLS_PER_ADDRESS = "240/minute"


def add_session_routes(
    blueprint: Blueprint,
    accounts: Accounts,
    sessions: LoginSessions,
    cookies: Cookies,
    client: Callable[[], Client],
    limiter: Limiter,
) -> None:
    """Add them to the blueprint of `/api/auth`; `client` says who has sent the request."""
    limited = limiter.shared_limit(SESSION_CALLS_PER_ADDRESS, scope="sessions")

    @blueprint.get("/sessions")
    @limited
    @access_required
    def list_sessions() -> Response:
        present = claims()
        found, total = sessions.list(present)
        listed = [
            {
                "id": session.id,
                "created_at": iso(session.created_at_ms),
                "last_used_at": iso(session.last_used_at_ms),
                "user_agent": session.user_agent,
                "address": session.address,
                "current": session.id == present.session_id,
            }
            for session in found
        ]
        return jsonify(sessions=listed, total=total)

    @blueprint.delete("/sessions/<session_id>")
    @limited
    @access_required
    def end_session(session_id: str) -> Response:
        if not sessions.end(claims(), session_id):
            raise ApiError(404, NOT_FOUND, "You have no open session of this id")
        return jsonify(status="ended")

    @blueprint.post("/logout-all")
    @limited
    @access_required
    def logout_all() -> Response:
        sessions.end_all(claims())
        response = jsonify(status="logged_out")
        if cookies.wanted():
            cookies.remove_refresh_token(response)
        return response

    @blueprint.post("/password")
    @limiter.limit(PASSWORD_CHANGES_PER_ADDRESS)
    @access_required
    def change_password() -> Response:
        fields = text_fields(json_object(), ("current_password", "new_password"))
        current, new = fields["current_password"], fields["new_password"]
        problem = password_problem(new, sessions.user(claims()).username)
        if problem:
            raise ApiError(
                400, VALIDATION_FAILED, "It can't be the password", {"new_password": problem}
            )
        accounts.change_password(claims(), current, new, client())
        return jsonify(status="password_changed")
