"""`GET /api/stats`: what all processes of the installation do, for those who may see it."""

from collections.abc import Callable
from functools import reduce

from flask import Blueprint, Response, jsonify
from flask_limiter import Limiter

from backend.api.errors import ApiError
from backend.auth.admins import Admins
from backend.auth.guard import access_required, claims
from backend.auth.sessions import LoginSessions
from backend.clock import Clock, iso
from backend.journal.processes import Processes, ProcessReport
from backend.protocol import FORBIDDEN
from backend.streaming.figures import together

# A page that shows them asks every two seconds, which is when they change.
CALLS_PER_ADDRESS = "120/minute"


def stats_blueprint(
    report: Callable[[], ProcessReport],
    processes: Processes,
    sessions: LoginSessions,
    admins: Admins,
    limiter: Limiter,
    clock: Clock,
) -> Blueprint:
    """`report` says what this process is and does."""
    blueprint = Blueprint("stats", __name__)

    @blueprint.get("/api/stats")
    @limiter.limit(CALLS_PER_ADDRESS)
    @access_required
    def stats() -> Response:
        if not admins.include(sessions.user(claims())):
            raise ApiError(403, FORBIDDEN, "The figures are kept to some")
        others = processes.others()
        reports = sorted([report(), *(others or ())], key=lambda each: str(each["name"]))
        return jsonify(
            timestamp=iso(clock.now_ms()),
            complete=others is not None,
            total=reduce(together, (each["figures"] for each in reports)),
            processes=reports,
        )

    return blueprint
