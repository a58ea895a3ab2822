"""`GET /health`, `GET /ready` and `GET /metrics`: how the process is, answered from memory.

None of them waits for anything: the database and Redis are asked by a background task, and the
answer says what was found last.
"""

import hmac
import ipaddress
import logging
from collections.abc import Callable, Collection

from flask import Blueprint, Response, jsonify, request
from flask.typing import ResponseReturnValue

from backend.api.errors import ApiError
from backend.api.readiness import Readiness
from backend.clock import Clock, iso
from backend.config_values import Network
from backend.market.models import FeedState
from backend.market.state import MarketState
from backend.metrics import Metrics
from backend.offload import Overloaded
from backend.protocol import FORBIDDEN, VERSION
from backend.storage.faults import Fault, StorageUnavailable
from backend.streaming.feed_status import feed_status
from backend.streaming.sessions import Sessions

logger = logging.getLogger(__name__)

# How often the database and Redis are asked.
CHECK_SECONDS = 5.0


class Dependencies:
    """What the process needs and could use when last asked: the database, read and written, and
    Redis."""

    def __init__(self, pings: dict[str, Callable[[], object]]) -> None:
        """`pings` by service name; each returns where the service serves, and raises elsewhere."""
        self._pings = pings
        # What is wrong, in a word, by the name of each service that has a fault.
        self.faults: dict[str, str] = {}

    def check(self) -> None:
        """Ask every service; logs each change once."""
        for name, ping in self._pings.items():
            error: Exception | None = None
            try:
                ping()
            except Exception as caught:
                # Whatever a driver raises means the same here: it does not serve.
                error = caught
            fault = None if error is None else _fault(error)
            if self.faults.get(name) == fault:
                continue
            if fault is None:
                del self.faults[name]
                logger.info("%s serves again", name)
            else:
                self.faults[name] = fault
                logger.error("%s does not serve: %s (%s)", name, fault, type(error).__name__)


def _fault(error: Exception) -> str:
    """One of a few words: what a driver says besides may name hosts and users."""
    if isinstance(error, StorageUnavailable):
        return error.fault
    # Whoever waits for the database in vain waits for those before him.
    return Fault.LOCKED if isinstance(error, Overloaded) else Fault.UNREACHABLE


def health_blueprint(
    market: MarketState,
    sessions: Sessions,
    dependencies: Dependencies,
    readiness: Readiness,
    clock: Clock,
    metrics: Metrics,
    may_see_metrics: Callable[[], bool],
) -> Blueprint:
    """Routes that say how the process is. `may_see_metrics` judges the request."""
    blueprint = Blueprint("health", __name__)
    started = clock.monotonic()

    @blueprint.get("/health")
    def health() -> ResponseReturnValue:
        degraded = bool(dependencies.faults) or market.feed_stale()
        body = {
            "status": "degraded" if degraded else "ok",
            "version": VERSION,
            "uptime_seconds": round(clock.monotonic() - started, 3),
            "connections": len(sessions),
            "feed": {
                "name": market.feed_state.name,
                "last_update": iso(market.last_update_ms) if market.last_update_ms else None,
                **feed_status(market),
                "history": [
                    {"state": change.state, "since": iso(change.since_ms)}
                    for change in market.feed_history
                ],
            },
            "unreachable": list(dependencies.faults),
            "faults": dependencies.faults,
        }
        return jsonify(body), 503 if degraded else 200

    @blueprint.get("/ready")
    def ready() -> ResponseReturnValue:
        reason = readiness.reason()
        if reason is None:
            return jsonify(status="ready")
        return jsonify(status="not_ready", reason=reason), 503

    @blueprint.get("/metrics")
    def prometheus() -> Response:
        if not may_see_metrics():
            raise ApiError(403, FORBIDDEN, "The metrics are kept to some")
        metrics.feed_age.set(market.feed_age_s)
        for state in FeedState:
            feed = market.feed_state
            metrics.feed_state.labels(feed.name, state).set(feed.state is state)
        for kind, count in market.drops.items():
            metrics.dropped_data.labels(kind).set(count)
        return Response(metrics.render(), content_type="text/plain; version=0.0.4; charset=utf-8")

    return blueprint


def metrics_guard(token: str, networks: Collection[Network]) -> Callable[[], bool]:
    """Whether a request may see the metrics: with `token` as Bearer, or from one of `networks`.
    Where neither is set, anybody may."""

    def allowed() -> bool:
        if not token and not networks:
            return True
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if token and hmac.compare_digest(given.encode(), token.encode()):
            return True
        try:
            address = ipaddress.ip_address(request.remote_addr or "")
        except ValueError:
            return False
        return any(address in network for network in networks)

    return allowed
