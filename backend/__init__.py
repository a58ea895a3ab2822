"""CRS: live crypto market data, sentiment and signals over Socket.IO.

`create_app` is where parts meet, room by room in `backend.assembly`: everything else is handed what
it works with.
"""

from random import Random

from flask import Flask

from backend.api.errors import register_error_handlers
from backend.api.headers import register_headers
from backend.api.limits import create_counters, create_limiter
from backend.api.pages import pages_blueprint
from backend.api.readiness import Readiness
from backend.assembly.accounts import keep_up_with_sessions, serve_accounts
from backend.assembly.desks import Desks
from backend.assembly.ground import Ground
from backend.assembly.market_calls import serve_market_calls
from backend.assembly.operation import serve_operation
from backend.assembly.source import create_source
from backend.assembly.stores import Stores
from backend.assembly.stream import serve_stream
from backend.assembly.symbols import create_roster, let_symbols_be_added
from backend.auth.passwords import Passwords
from backend.clock import Clock, SystemClock
from backend.config import Settings
from backend.config_values import PROJECT_ROOT
from backend.history.looks import Looks
from backend.journal.peers import create_peers
from backend.memory import EBB_SECONDS, Ebb
from backend.runtime import Runtime
from backend.streaming.forecaster import REFRESH_SECONDS, Forecaster
from backend.streaming.pace import Pace


def create_app(settings: Settings, clock: Clock | None = None) -> Flask:
    """The application, wired but not started: `app.extensions["crs"]` is its `Runtime`.

    Raises `StorageUnavailable` where the database can't be used.
    """
    clock = clock or SystemClock()
    app = Flask(__name__, static_folder=None)
    register_error_handlers(app)
    register_headers(app, settings)
    ground = Ground(app, settings, clock)
    metrics = ground.metrics
    limiter = create_limiter(app, settings.redis_url, ground.count_refusal)
    peers = create_peers(settings.redis_url, ground.sleep, clock, Random(), metrics)

    stores = Stores(settings, clock)
    auth = serve_accounts(
        app,
        settings,
        stores.database,
        ground.offload,
        Passwords(),
        create_counters(settings.redis_url),
        limiter,
        peers.orders,
        lambda reason: metrics.auth_failures.labels(reason).inc(),
        ground.count_refusal,
        clock,
    )
    keep_up_with_sessions(ground, auth.sessions, stores.database)

    roster = create_roster(settings, stores.symbols)
    looks = Looks()
    desks = Desks(ground, stores, roster, looks)
    source = create_source(ground, roster, desks)
    forecaster = Forecaster(source.market, roster, Pace(ground.sleep, clock))
    ground.every(REFRESH_SECONDS, "forecast", forecaster.refresh)

    readiness = Readiness(source.market)
    service = serve_stream(app, ground, roster, source, auth, peers, readiness)
    for follower in (source, forecaster, service):
        roster.tell(follower)
    added = let_symbols_be_added(
        ground, roster, stores.symbols, source.market, service.is_watched, peers.orders
    )

    serve_market_calls(
        app, ground, limiter, stores, looks, roster, added, source, forecaster, auth.sessions
    )
    serve_operation(app, ground, limiter, stores.database, source, service, readiness, auth, peers)
    app.register_blueprint(pages_blueprint(PROJECT_ROOT / "frontend" / "dist"))

    ebb = Ebb(lambda: len(ground.socketio.server.eio.sockets))
    ground.every(EBB_SECONDS, "memory", ebb.look)
    app.extensions["crs"] = Runtime(
        ground.socketio,
        service,
        source,
        [*ground.tasks, *peers.tasks()],
        {
            "market": settings.market_interval,
            "sentiment": settings.sentiment_interval,
            "signal": settings.signal_interval,
        },
        ground.offload,
        [stores.database, stores.candles],
        [desks.keeper("forecast", forecaster, lambda: source.production.leads)],
        metrics,
        ground.turns,
        readiness,
        [peers.processes.leave],
    )
    return app
