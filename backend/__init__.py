"""CRS: live crypto market data, sentiment and signals over Socket.IO.

`create_app` is the one place where parts meet: everything else is handed what it works with.
"""

import logging
import os
import random
import secrets
import socket
from collections.abc import Callable, Container, Hashable
from functools import partial
from typing import Any

from flask import Flask, request
from flask_socketio import SocketIO
from werkzeug.middleware.proxy_fix import ProxyFix

from backend import green
from backend.api.daily import DailyIndex
from backend.api.errors import register_error_handlers
from backend.api.headers import register_headers
from backend.api.health import CHECK_SECONDS, Dependencies, health_blueprint, metrics_guard
from backend.api.limits import PUBLIC_LIMIT, PUBLIC_SCOPE, create_counters, create_limiter
from backend.api.market import market_blueprint
from backend.api.openapi.routes import openapi_blueprint
from backend.api.pages import pages_blueprint
from backend.api.ratings import Ratings
from backend.api.readiness import Readiness
from backend.api.record import record_blueprint
from backend.api.stats import stats_blueprint
from backend.api.stream_gate import StreamGate
from backend.api.symbols import symbols_blueprint
from backend.assembly import Makers, create_source
from backend.auth.assembly import serve_accounts
from backend.auth.passwords import Passwords
from backend.clock import Clock, SystemClock
from backend.config import CRS_ENGINE, Settings
from backend.config_values import PROJECT_ROOT, SYMBOLS_MAX
from backend.fanout.manager import RoomManager
from backend.fanout.outside import OutsideMessages
from backend.fanout.stock import StockTransports
from backend.fanout.transport import EngineTransports, QuietLog
from backend.fanout.wire import codec
from backend.fanout.wire.packet import EnginePacket
from backend.feeds import begins_anew, create_listings, feed_names
from backend.feeds.base import Feed
from backend.history.archive import Archive
from backend.history.history import History
from backend.history.looks import Looks
from backend.history.reader import CandleReader
from backend.history.record_reader import REFRESH_SECONDS as RECORD_SECONDS
from backend.history.record_reader import RecordReader
from backend.history.record_store import RecordStore
from backend.history.remembered import Remembered
from backend.http.connection import REQUEST_COST_SECONDS
from backend.http.exchange import EXCHANGE
from backend.journal.census import USERS
from backend.journal.connection import connect
from backend.journal.orders import CLOSE, RECOVERED
from backend.journal.peers import Alone, Company, Peers
from backend.market.market import Market
from backend.market.roster import Roster
from backend.memory import EBB_SECONDS, Ebb
from backend.metrics import Metrics
from backend.offload import Offload
from backend.protocol import ACCEPTED_ROOM, CANDLE, MARKET_UPDATE, PRICE_UPDATE, is_own_room
from backend.runtime import Runtime
from backend.storage.database import Database
from backend.storage.learnt import LearntStore
from backend.storage.symbols import SymbolStore
from backend.streaming.added_symbols import LOOK_SECONDS, AddedSymbols, room_for
from backend.streaming.figures import ProcessReporter
from backend.streaming.forecaster import REFRESH_SECONDS, Forecaster
from backend.streaming.keeper import Keeper, Learner
from backend.streaming.limits import MESSAGE_MAX_BYTES
from backend.streaming.pace import Pace
from backend.streaming.periodic import Periodic
from backend.streaming.track_record import TrackRecord
from backend.turns import SLICE_SECONDS, Turns
from backend.websocket_service import WebSocketService


def _series_of_forming(candle: Any) -> Hashable | None:
    """A forming candle gives way to the next of its series. One that has closed is kept: it is said
    once, and the newer one that forms takes its place behind it."""
    return None if candle["closed"] else (candle["symbol"], candle["interval"])


# Of these events a client that lags behind gets the latest only, for each of these keys.
LATEST: dict[str, Callable[[Any], Hashable | None]] = {
    MARKET_UPDATE: lambda _quotes: MARKET_UPDATE,
    PRICE_UPDATE: lambda price: price["symbol"],
    CANDLE: _series_of_forming,
}
# A dead peer is noticed after the sum of both.
PING_INTERVAL_SECONDS = 25
PING_TIMEOUT_SECONDS = 20
# A session that another process ended streams for no longer than this, and the query, also where
# no order came ...
REVOCATIONS_SECONDS = 0.5
# ... on a database that is made to be shared, or a Redis that is. On SQLite alone there is seldom
# another process, and asking it twice a second would double what an idle one takes.
LONE_REVOCATIONS_SECONDS = 5.0
# Rows that nobody needs do no harm for a minute.
PURGE_SECONDS = 60.0


def create_app(settings: Settings, clock: Clock | None = None) -> Flask:
    """The application, wired but not started: `app.extensions["crs"]` is its `Runtime`.

    Raises `StorageUnavailable` where the database can't be used.
    """
    clock = clock or SystemClock()
    app = Flask(__name__, static_folder=None)
    metrics = Metrics()
    register_error_handlers(app)
    register_headers(app, settings)

    def count_refusal(limit: str) -> None:
        metrics.refusals.labels(limit).inc()

    limiter = create_limiter(app, settings.redis_url, count_refusal)
    peers = _peers(settings, clock, metrics)

    turns = Turns(clock)
    offload = Offload(again=partial(turns.again, REQUEST_COST_SECONDS))
    database = Database(settings.database_url)
    database.migrate()
    database.try_writing(clock.now_ms())
    auth = serve_accounts(
        app,
        settings,
        database,
        offload,
        Passwords(),
        create_counters(settings.redis_url),
        limiter,
        peers.orders,
        lambda reason: metrics.auth_failures.labels(reason).inc(),
        count_refusal,
        clock,
    )

    socketio = _socketio(app, settings, turns)
    own_engine = settings.fanout_engine == CRS_ENGINE

    def pause() -> None:
        socketio.sleep(0)

    candles = Database(settings.database_url, durable=True)
    if candles.in_memory:
        candles.migrate()
    archive, looks = Archive(candles), Looks()

    def new_history(market: Market, feed: Feed) -> History:
        kept_days = settings.candle_retention_days
        sleep = socketio.sleep
        return History(market, feed, archive, offload, kept_days, looks, sleep, clock, metrics)

    store = SymbolStore(database)
    room = SYMBOLS_MAX - len(settings.symbols)
    roster = Roster(settings.symbols, room_for(settings.symbols, store.all(), room))
    learnt = LearntStore(candles)

    def new_keeper(
        name: str, learner: Learner, may_write: Callable[[], bool] = lambda: True
    ) -> Keeper:
        return Keeper(
            name,
            feed_names(settings),
            learnt,
            offload,
            socketio.sleep,
            clock,
            metrics,
            learner,
            () if begins_anew(settings) else roster,
            may_write,
        )

    records = RecordStore(candles)

    def new_record(market: Market, feed: Feed) -> TrackRecord:
        return TrackRecord(market, feed, records, offload, socketio.sleep, clock, metrics)

    remember = Remembered(archive, offload, metrics).minutes
    spawn = socketio.start_background_task
    makers = Makers(new_history, new_keeper, new_record, remember, offload.compute)
    source = create_source(settings, roster, makers, spawn, clock, socketio.sleep, metrics)
    market, published = source.market, source.published
    forecaster = Forecaster(market, roster, Pace(socketio.sleep, clock))
    transports = (EngineTransports if own_engine else StockTransports)(
        socketio.server,
        clock,
        lambda reason: metrics.closed.labels(reason).inc(),
    )
    if settings.process_name:
        transports.name_sessions(settings.process_name)

    service = WebSocketService(
        socketio,
        transports,
        market,
        source.journal,
        published,
        source.production,
        source.recoveries,
        lambda sid, returns: peers.orders.give(RECOVERED, sid=sid, returns=returns),
        auth.authenticator,
        auth.revocations,
        peers.census,
        symbols=roster,
        auth_required=settings.websocket_auth_required,
        per_user=settings.connections_per_user,
        user_rooms=bool(settings.redis_url),
        token_warning_seconds=settings.token_warning_seconds,
        clock=clock,
        metrics=metrics,
        rng=random.Random(secrets.randbits(64)),
    )

    for follower in (source, forecaster, service):
        roster.tell(follower)
    added = AddedSymbols(
        roster,
        store,
        create_listings(settings, clock, pause),
        lambda: market.feed_state.name,
        service.is_watched,
        settings.symbols_added_per_user,
        settings.symbols_added_max,
        peers.orders,
        offload,
        count_refusal,
        clock,
    )
    metrics.show(
        "crs_symbols",
        "Symbols that are served, by whether the settings name them",
        ("kind",),
        lambda: {("configured",): len(roster.configured), ("added",): len(roster.added)},
    )
    if settings.connections_per_user:
        peers.census.tell(USERS, lambda: service.sessions.users, settings.connections_per_user)
    peers.orders.on(CLOSE, service.parting.close)
    peers.orders.on(RECOVERED, service.parting.recovered_elsewhere)
    outside = OutsideMessages(
        socketio.server.manager,
        ACCEPTED_ROOM,
        is_own_room,
        service.parting.close,
        lambda fate: metrics.outside.labels(fate).inc(),
    )
    peers.hear(outside.take)

    readiness = Readiness(market)
    gate = StreamGate(
        settings.connections_per_address,
        peers.census,
        clock,
        count_refusal,
        lambda: readiness.open,
    )
    transports.follow(gate.opened, gate.closed)
    # Around the stream too, whose middleware is the outermost of Flask's own.
    app.wsgi_app = gate.around(app.wsgi_app)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_port=hops
        )

    history = CandleReader(market, archive, offload, looks)
    record = RecordReader(market, records, offload)
    for public in (
        market_blueprint(
            market,
            history,
            published,
            forecaster,
            Ratings(history, published.levels, clock),
            DailyIndex(history, settings.symbols, clock),
            roster,
            added.note,
            partial(_rest, turns),
        ),
        record_blueprint(record, roster, settings.signal_timeframe),
        openapi_blueprint(roster),
    ):
        limiter.shared_limit(PUBLIC_LIMIT, scope=PUBLIC_SCOPE)(public)
        app.register_blueprint(public)
    app.register_blueprint(
        symbols_blueprint(market, roster, added, auth.sessions, limiter, PUBLIC_LIMIT, PUBLIC_SCOPE)
    )
    dependencies = Dependencies(_pings(settings, database, offload, clock))
    app.register_blueprint(
        health_blueprint(
            market,
            service.sessions,
            dependencies,
            readiness,
            clock,
            metrics,
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
    app.register_blueprint(pages_blueprint(PROJECT_ROOT / "frontend" / "dist"))

    def background(name: str, seconds: float, action: Callable[[], None]) -> Periodic:
        return Periodic(name, seconds, action, socketio.sleep, clock, metrics)

    app.extensions["crs"] = Runtime(
        socketio,
        service,
        source,
        [
            background("dependencies", CHECK_SECONDS, dependencies.check),
            background("symbols", LOOK_SECONDS, added.look),
            background("forecast", REFRESH_SECONDS, forecaster.refresh),
            background("record answers", RECORD_SECONDS, record.refresh),
            # Another process on the same database may have ended a session.
            background(
                "revocations",
                LONE_REVOCATIONS_SECONDS
                if database.is_sqlite and not settings.redis_url
                else REVOCATIONS_SECONDS,
                auth.sessions.load_revocations,
            ),
            background("purge", PURGE_SECONDS, auth.sessions.purge),
            *peers.tasks(),
            background("memory", EBB_SECONDS, Ebb(lambda: len(socketio.server.eio.sockets)).look),
        ],
        {
            "market": settings.market_interval,
            "sentiment": settings.sentiment_interval,
            "signal": settings.signal_interval,
        },
        offload,
        [database, candles],
        [new_keeper("forecast", forecaster, lambda: source.production.leads)],
        metrics,
        turns,
        readiness,
        [peers.processes.leave],
    )
    return app


def _socketio(app: Flask, settings: Settings, turns: Turns) -> SocketIO:
    # One filter for both libraries: they log to it only what is an error.
    library_log = logging.getLogger("crs.socketio")
    library_log.addFilter(QuietLog())
    library_log.setLevel(logging.ERROR)
    origins = list(settings.cors_origins)
    engine: dict[str, Any] = {}
    if settings.fanout_engine == CRS_ENGINE:
        engine = {
            "client_manager": RoomManager(LATEST, settings.fanout_deflate, turns),
            "serializer": EnginePacket,
        }
    return SocketIO(
        app,
        async_mode=green.ASYNC_MODE,
        json=codec,
        # So that a refused client is connected for as long as it takes to tell it why.
        always_connect=True,
        # Events of one connection are handled in its own receive loop: in order, and a client
        # that sends too much waits for itself.
        async_handlers=False,
        manage_session=False,
        cors_allowed_origins="*" if "*" in origins else partial(_origin_is_allowed, origins),
        max_http_buffer_size=MESSAGE_MAX_BYTES,
        ping_interval=PING_INTERVAL_SECONDS,
        ping_timeout=PING_TIMEOUT_SECONDS,
        logger=library_log,
        engineio_logger=library_log,
        **engine,
    )


def _peers(settings: Settings, clock: Clock, metrics: Metrics) -> Peers:
    if not settings.redis_url:
        return Alone()
    rng = random.Random(secrets.randbits(64))
    return Company(settings.redis_url, green.sleep, clock, rng, metrics)


def _rest(turns: Turns) -> None:
    """Let others have their turn while the answer to a request is being made."""
    turns.wait(request.environ[EXCHANGE].place.share, SLICE_SECONDS / 4)


def _origin_is_allowed(origins: Container[str], origin: str, environ: dict[str, Any]) -> bool:
    """Whether pages of `origin` may connect: the server's own always may."""
    own = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}"
    return origin == own or origin in origins


def _pings(
    settings: Settings, database: Database, offload: Offload, clock: Clock
) -> dict[str, Callable[[], object]]:
    def use_database() -> None:
        offload.run_read(database.try_reading)
        offload.run_write(database.try_writing, clock.now_ms())

    pings: dict[str, Callable[[], object]] = {"database": use_database}
    if settings.redis_url:
        pings["redis"] = connect(settings.redis_url).ping
    return pings
