"""`GET /health` and `GET /metrics`: how the process is, answered from memory.

Neither waits for anything: the database and Redis are asked by a background task, and the
answer says what was found last.
"""

import logging
from collections.abc import Callable

from flask import Blueprint, Response, jsonify
from flask.typing import ResponseReturnValue

from backend.clock import Clock, iso
from backend.market.market import Market
from backend.market.models import FeedState
from backend.metrics import Metrics
from backend.protocol import VERSION
from backend.streaming.feed_status import feed_status
from backend.streaming.sessions import Sessions

logger = logging.getLogger(__name__)

# How often the database and Redis are asked.
CHECK_SECONDS = 5.0


class Dependencies:
    """Which of the services that the process needs were in reach when last asked."""

    def __init__(self, pings: dict[str, Callable[[], object]]) -> None:
        """`pings` by service name; each returns where the service answers, and raises elsewhere."""
        self._pings = pings
        self.in_reach = dict.fromkeys(pings, True)

    def check(self) -> None:
        """Ask every service; logs each change once."""
        for name, ping in self._pings.items():
            error: Exception | None = None
            try:
                ping()
            except Exception as caught:
                # Whatever a driver raises means the same here: out of reach.
                error = caught
            if self.in_reach[name] is not (error is None):
                self.in_reach[name] = error is None
                if error is None:
                    logger.info("%s is back in reach", name)
                else:
                    logger.error("%s is out of reach: %s", name, type(error).__name__)


def health_blueprint(
    market: Market,
    sessions: Sessions,
    dependencies: Dependencies,
    clock: Clock,
    metrics: Metrics,
) -> Blueprint:
    """Routes that say how the process is."""
    blueprint = Blueprint("health", __name__)
    started = clock.monotonic()

    @blueprint.get("/health")
    def health() -> ResponseReturnValue:
        unreachable = [name for name, ok in dependencies.in_reach.items() if not ok]
        degraded = bool(unreachable) or market.feed_stale()
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
            "unreachable": unreachable,
        }
        return jsonify(body), 503 if degraded else 200

    @blueprint.get("/metrics")
    def prometheus() -> Response:
        metrics.feed_age.set(market.feed_age_s)
        for state in FeedState:
            feed = market.feed_state
            metrics.feed_state.labels(feed.name, state).set(feed.state is state)
        for kind, count in market.drops.items():
            metrics.dropped_data.labels(kind).set(count)
        return Response(metrics.render(), content_type="text/plain; version=0.0.4; charset=utf-8")

    return blueprint
