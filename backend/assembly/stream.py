"""The stream's face: its service, the gate before it, and what other processes have it do."""

from random import Random

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from backend.api.readiness import Readiness
from backend.api.stream_gate import StreamGate
from backend.assembly.accounts import Auth
from backend.assembly.ground import Ground
from backend.assembly.socket_server import create_transports
from backend.fanout.outside import OutsideMessages
from backend.fanout.transport import Transports
from backend.journal.census import USERS, Census
from backend.journal.orders import CLOSE, RECOVERED
from backend.journal.peers import Peers
from backend.market.roster import Roster
from backend.protocol import ACCEPTED_ROOM, is_own_room
from backend.streaming.source import Source
from backend.websocket_service import WebSocketService


def serve_stream(
    app: Flask,
    ground: Ground,
    roster: Roster,
    source: Source,
    auth: Auth,
    peers: Peers,
    readiness: Readiness,
) -> WebSocketService:
    """Serve the stream of `source` from `app`."""
    settings, socketio = ground.settings, ground.socketio
    transports = create_transports(socketio, settings, ground.clock, ground.metrics)
    service = WebSocketService(
        socketio,
        transports,
        source,
        lambda sid, returns: peers.orders.give(RECOVERED, sid=sid, returns=returns),
        auth.authenticator,
        auth.revocations,
        peers.census,
        symbols=roster,
        auth_required=settings.websocket_auth_required,
        per_user=settings.connections_per_user,
        user_rooms=bool(settings.redis_url),
        token_warning_seconds=settings.token_warning_seconds,
        clock=ground.clock,
        metrics=ground.metrics,
        rng=Random(),
    )
    _obey(ground, service, peers)
    _stand_before(app, ground, transports, peers.census, readiness)
    return service


def _obey(ground: Ground, service: WebSocketService, peers: Peers) -> None:
    """Have the service do what other processes, and programs outside, ask of it."""
    per_user = ground.settings.connections_per_user
    if per_user:
        peers.census.tell(USERS, lambda: service.sessions.users, per_user)
    peers.orders.on(CLOSE, service.parting.close)
    peers.orders.on(RECOVERED, service.parting.recovered_elsewhere)
    outside = OutsideMessages(
        ground.socketio.server.manager,
        ACCEPTED_ROOM,
        is_own_room,
        service.parting.close,
        lambda fate: ground.metrics.outside.labels(fate).inc(),
    )
    peers.hear(outside.take)


def _stand_before(
    app: Flask, ground: Ground, transports: Transports, census: Census, readiness: Readiness
) -> None:
    """Put before the application what looks at a request's address, once that is the client's."""
    gate = StreamGate(
        ground.settings.connections_per_address,
        census,
        ground.clock,
        ground.count_refusal,
        lambda: readiness.open,
    )
    transports.follow(gate.opened, gate.closed)
    # Around the stream too, whose middleware is the outermost of Flask's own.
    app.wsgi_app = gate.around(app.wsgi_app)  # type: ignore[method-assign]
    if ground.settings.trusted_proxies:
        hops = ground.settings.trusted_proxies
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_port=hops
        )
