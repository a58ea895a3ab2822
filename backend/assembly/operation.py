"""What those who run the installation ask it: whether it is well and ready, and its figures."""

import os
import socket
from collections.abc import Callable

from flask import Flask
from flask_limiter import Limiter

from backend.api.health import CHECK_SECONDS, Dependencies, health_blueprint, metrics_guard
from backend.api.readiness import Readiness
from backend.api.stats import stats_blueprint
from backend.assembly.accounts import Auth
from backend.assembly.ground import Ground
from backend.journal.connection import connect
from backend.journal.peers import Peers
from backend.storage.database import Database
from backend.streaming.figures import ProcessReporter
from backend.streaming.source import Source
from backend.websocket_service import WebSocketService


def serve_operation(
    app: Flask,
    ground: Ground,
    limiter: Limiter,
    database: Database,
    source: Source,
    service: WebSocketService,
    readiness: Readiness,
    auth: Auth,
    peers: Peers,
) -> None:
    """Serve `/health`, `/ready`, `/metrics` and `/api/stats` from `app`."""
    settings, clock = ground.settings, ground.clock
    dependencies = Dependencies(_pings(ground, database))
    ground.every(CHECK_SECONDS, "dependencies", dependencies.check)
    app.register_blueprint(
        health_blueprint(
            source.market,
            service.sessions,
            dependencies,
            readiness,
            clock,
            ground.metrics,
            metrics_guard(settings.metrics_token, settings.metrics_addresses),
        )
    )
    reporter = ProcessReporter(
        settings.process_name or f"{socket.gethostname()}:{os.getpid()}",
        lambda: source.production.leads,
        service.figures,
        clock,
    )
    peers.processes.tell(reporter.report)
    app.register_blueprint(
        stats_blueprint(
            reporter.report, peers.processes, auth.sessions, auth.admins, limiter, clock
        )
    )


def _pings(ground: Ground, database: Database) -> dict[str, Callable[[], object]]:
    def use_database() -> None:
        ground.offload.run_read(database.try_reading)
        ground.offload.run_write(database.try_writing, ground.clock.now_ms())

    pings: dict[str, Callable[[], object]] = {"database": use_database}
    if ground.settings.redis_url:
        pings["redis"] = connect(ground.settings.redis_url).ping
    return pings
