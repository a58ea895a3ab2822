"""The face of the stream: Socket.IO handlers, and the background tasks that emit.

Thin by intent. What a connection may have is decided in `streaming/`, what the market says comes
from `market/` and `analysis/`, what the words are from `protocol`.

A client is *connected* before it is *accepted*: the transport has to be open for `auth_error` to
be delivered at all. Only an accepted client has a session and is in a room, and events go to
rooms only, so one that is being refused hears nothing but why.
"""

import logging
import random
from collections.abc import Callable
from typing import Any

from flask_socketio import SocketIO

from backend.auth.tokens import Authenticator, Revocations, TokenRejected
from backend.clock import Clock
from backend.fanout.transport import Transports
from backend.fanout.wire.pieces import Pieces
from backend.market.market import Market
from backend.market.models import FeedState
from backend.metrics import Metrics
from backend.protocol import (
    ACCEPTED_ROOM,
    AUTHENTICATE,
    EVENT_NAME_MAX_CHARS,
    HEARTBEAT,
    INTERNAL_ERROR,
    MARKET_UPDATE,
    SENTIMENT_UPDATE,
    SERVER_SHUTDOWN,
    STATUS_CONNECTED,
    STATUS_FEED_DEGRADED,
    STATUS_FEED_RESTORED,
    STATUS_SHUTDOWN,
    STATUS_TOKEN_EXPIRING,
    STATUS_TOKEN_REFRESHED,
    SUBSCRIBE,
    SUBSCRIPTION_CONFIRMED,
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    TOKEN_REVOKED,
    TRADING_SIGNAL,
    UNKNOWN_EVENT,
    UNSUBSCRIBE,
    UNSUBSCRIPTION_CONFIRMED,
    AuthFailure,
    Payload,
    RequestError,
    parse_heartbeat,
    parse_subscribe,
    parse_token,
    parse_unsubscribe,
)
from backend.streaming.analyst import Analyst
from backend.streaming.broadcaster import PRICE_FLUSH_SECONDS, Broadcaster
from backend.streaming.outlet import Outlet
from backend.streaming.periodic import Periodic, Prompted
from backend.streaming.sessions import Session, Sessions
from backend.streaming.subscriptions import Basket, RoomChange, Subscriptions

logger = logging.getLogger(__name__)

# How often tokens' expiry, the feed's state and idle transports are looked at.
WATCH_SECONDS = 0.5
# Clients are spread over this range when they come back after a shutdown, so that the next
# process does not meet them all at once.
RECONNECT_AFTER_MS = (500, 5_000)

NAMESPACE = "/"

FAILED_HERE = "The request failed on the server's side"


class WebSocketService:
    """Owns the connections of one process from acceptance to farewell."""

    def __init__(
        self,
        socketio: SocketIO,
        transports: Transports,
        market: Market,
        analyst: Analyst,
        authenticator: Authenticator,
        revocations: Revocations,
        *,
        symbols: tuple[str, ...],
        auth_required: bool,
        token_warning_seconds: float,
        clock: Clock,
        metrics: Metrics,
        rng: random.Random,
    ) -> None:
        self._socketio = socketio
        self._transports = transports
        self._market = market
        self._analyst = analyst
        self._authenticator = authenticator
        self._symbols = dict.fromkeys(symbols)
        self._auth_required = auth_required
        self._clock = clock
        self._metrics = metrics
        self._rng = rng
        self.sessions = Sessions(round(token_warning_seconds * 1000))
        self._subscriptions = Subscriptions()
        self._feed_healthy = True
        self._out = Outlet(self._put, self._put_joined, market, self.sessions, clock, metrics)
        self._broadcaster = Broadcaster(
            market,
            analyst,
            self._subscriptions,
            self._out.emit,
            self._out.emit_joined,
            lambda: self._prices.prompt(),
            clock,
            metrics,
        )
        self._prices = Prompted(
            socketio.server.eio.create_event(),
            "prices",
            PRICE_FLUSH_SECONDS,
            self._broadcaster.flush_prices,
            socketio.sleep,
            clock,
            metrics,
        )
        self._tasks: list[Periodic] = []
        revocations.subscribe(self.revoke)
        self._register()

    # --- background tasks -------------------------------------------------------------------------

    def start(self, intervals: dict[str, float]) -> None:
        """Start the background tasks; `intervals` gives the seconds between market, sentiment
        and signal events under those names."""
        actions: dict[str, tuple[float, Callable[[], None]]] = {
            "market": (intervals["market"], self._broadcaster.tick),
            "sentiment": (intervals["sentiment"], self._broadcast_sentiment),
            "signals": (intervals["signal"], self._broadcaster.cycle_signals),
            "watch": (WATCH_SECONDS, self._watch),
        }
        sleep = self._socketio.sleep
        self._tasks = [
            Periodic(name, interval, action, sleep, self._clock, self._metrics)
            for name, (interval, action) in actions.items()
        ]
        self._tasks.append(self._prices)
        for task in self._tasks:
            self._socketio.start_background_task(task.run)

    def drain(self) -> None:
        """Tell every client that the process ends and when to come back, then close."""
        for task in self._tasks:
            task.stop()
        self._out.announce_status(STATUS_SHUTDOWN, "The server is shutting down")
        for session in self.sessions:
            payload = {
                "reconnect_after_ms": self._rng.randint(*RECONNECT_AFTER_MS),
                "timestamp": self._out.now(),
            }
            self._out.send(session.sid, SERVER_SHUTDOWN, payload)
        self._socketio.sleep(0.1)
        self._transports.close_all()

    def revoke(self, login: str) -> None:
        """Close the live connections of a login whose tokens were revoked."""
        for session in self.sessions.of_login(login):
            self._refuse(session.sid, TOKEN_REVOKED)

    def _broadcast_sentiment(self) -> None:
        sentiment = self._analyst.sentiment()
        if sentiment is not None:
            self._out.announce(SENTIMENT_UPDATE, sentiment)
        self._analyst.recall()

    def _watch(self) -> None:
        now_ms = self._clock.now_ms()
        for session in self.sessions.expired(now_ms):
            self._refuse(session.sid, TOKEN_EXPIRED)
        for session in self.sessions.expiring(now_ms):
            self._out.send_status(
                session,
                STATUS_TOKEN_EXPIRING,
                "The access token expires soon; send a fresh one with authenticate",
            )
        self._watch_feed()
        self._transports.sweep()
        self._metrics.connections.set(len(self.sessions))
        self._metrics.subscriptions.set(self._subscriptions.total())
        self._metrics.baskets.set(self._subscriptions.basket_count())

    def _watch_feed(self) -> None:
        healthy = self._market.feed_state.state is FeedState.LIVE and not self._market.feed_stale()
        if healthy is not self._feed_healthy:
            self._feed_healthy = healthy
            if healthy:
                self._out.announce_status(STATUS_FEED_RESTORED, "The market feed is back")
            else:
                self._out.announce_status(
                    STATUS_FEED_DEGRADED, "The market feed delivers no fresh data"
                )

    # --- handlers ---------------------------------------------------------------------------------

    def _register(self) -> None:
        # On the server itself: a handler asks for nothing but the connection's id, and the request
        # context that Flask-SocketIO would push for each event costs more than most handlers.
        on = self._socketio.server.on
        on("connect", self._on_connect)
        on("disconnect", self._on_disconnect)
        on(SUBSCRIBE, self._guarded(SUBSCRIBE, self._on_subscribe))
        on(UNSUBSCRIBE, self._guarded(UNSUBSCRIBE, self._on_unsubscribe))
        on(AUTHENTICATE, self._guarded(AUTHENTICATE, self._on_authenticate))
        on(HEARTBEAT, self._guarded(HEARTBEAT, self._on_heartbeat))
        on("*", self._on_unknown)

    def _on_connect(
        self, sid: str, _environ: object = None, auth: object = None, *_args: Any
    ) -> None:
        if self.sessions.get(sid) is not None:
            # A client may send an ordinary event of this name at any time.
            self._on_unknown("connect", sid)
            return
        try:
            self._accept(self._authenticated(sid, auth))
        except TokenRejected as rejected:
            self._refuse(sid, rejected.failure)
        except Exception:
            # Nothing may leave this handler: the library would leave the client half connected.
            logger.exception("Accepting a client failed")
            self._out.send_error(sid, "connect", INTERNAL_ERROR, FAILED_HERE)
            self._part(sid)

    def _accept(self, session: Session) -> None:
        self.sessions.add(session)
        self._enter(session.sid, ACCEPTED_ROOM)
        self._out.send_status(session, STATUS_CONNECTED, "Streaming; subscribe to symbols")
        sentiment = self._analyst.sentiment()
        if sentiment is not None:
            self._out.send(session.sid, SENTIMENT_UPDATE, sentiment)

    def _on_disconnect(self, sid: str, *_args: Any) -> None:
        if self._socketio.server.manager.is_connected(sid, NAMESPACE):
            # Not the end of a connection: a client sent an ordinary event of this name.
            self._on_unknown("disconnect", sid)
            return
        session = self.sessions.remove(sid)
        if session is not None:
            self._subscriptions.release(session)

    def _on_subscribe(self, session: Session, args: tuple[Any, ...]) -> Payload:
        parsed = parse_subscribe(args, self._symbols)
        self._move(session, self._subscriptions.subscribe(session, parsed))
        confirmation = {
            "symbols": list(parsed.symbols.accepted),
            "rejected": list(parsed.symbols.rejected),
            "subscribed": list(session.symbols),
            "timestamp": self._out.now(),
        }
        self._out.send(session.sid, SUBSCRIPTION_CONFIRMED, confirmation)
        if snapshot := self._broadcaster.snapshot(session):
            self._out.send(session.sid, MARKET_UPDATE, snapshot)
        for symbol in parsed.symbols.accepted:
            signal = self._analyst.signal(symbol)
            if signal is not None:
                self._out.send(session.sid, TRADING_SIGNAL, signal)
        return confirmation

    def _on_unsubscribe(self, session: Session, args: tuple[Any, ...]) -> Payload:
        parsed = parse_unsubscribe(args, self._symbols)
        accepted = tuple(session.symbols) if parsed is None else parsed.accepted
        self._move(session, self._subscriptions.unsubscribe(session, accepted))
        confirmation = {
            "symbols": list(accepted),
            "rejected": [] if parsed is None else list(parsed.rejected),
            "subscribed": list(session.symbols),
            "timestamp": self._out.now(),
        }
        self._out.send(session.sid, UNSUBSCRIPTION_CONFIRMED, confirmation)
        return confirmation

    def _on_authenticate(self, session: Session, args: tuple[Any, ...]) -> Payload | None:
        try:
            claims = self._authenticator.authenticate(parse_token(args))
            if session.user_id not in (None, claims.user_id):
                raise TokenRejected(TOKEN_INVALID)
        except TokenRejected as rejected:
            self._refuse(session.sid, rejected.failure)
            return None
        self.sessions.renew(session, claims.user_id, claims.session_id, claims.expires_at_ms)
        return self._out.send_status(session, STATUS_TOKEN_REFRESHED, "The fresh token is in use")

    def _on_heartbeat(self, _session: Session, args: tuple[Any, ...]) -> Payload:
        return {"client_time": parse_heartbeat(args), "server_time": self._out.now()}

    def _on_unknown(self, event: str, sid: str, *_args: Any) -> Payload | None:
        session = self.sessions.get(sid)
        if session is None:
            return None
        name = event[:EVENT_NAME_MAX_CHARS]
        return self._out.send_error(session.sid, name, UNKNOWN_EVENT, f"There is no event {name!r}")

    def _guarded(
        self, event: str, handler: Callable[[Session, tuple[Any, ...]], Payload | None]
    ) -> Callable[..., Payload | None]:
        """A handler that is called for accepted connections only, and whose failures are answered
        with `error`. What it returns is the acknowledgement, if the client asked for one."""

        def guarded(sid: str, *args: Any) -> Payload | None:
            session = self.sessions.get(sid)
            if session is None:
                return None
            try:
                return handler(session, args)
            except RequestError as error:
                return self._out.send_error(session.sid, event, error.code, str(error))
            except Exception:
                logger.exception("Handler of %s failed", event)
                return self._out.send_error(session.sid, event, INTERNAL_ERROR, FAILED_HERE)

        return guarded

    # --- authentication ---------------------------------------------------------------------------

    def _authenticated(self, sid: str, auth: object) -> Session:
        """A session for the token in `auth`; raises `TokenRejected`."""
        token = auth.get("token") if isinstance(auth, dict) else None
        if token is None and not self._auth_required:
            return Session(sid)
        claims = self._authenticator.authenticate(token)
        return Session(sid, claims.user_id, claims.session_id, claims.expires_at_ms)

    def _refuse(self, sid: str, failure: AuthFailure) -> None:
        """Say why, and part."""
        self._out.send_refusal(sid, failure)
        self._part(sid)

    def _part(self, sid: str) -> None:
        """Disconnect a client, and close its transport once it has read what was sent to it."""
        server = self._socketio.server
        eio_sid = server.manager.eio_sid_from_sid(sid, NAMESPACE)
        server.disconnect(sid, namespace=NAMESPACE)
        if eio_sid is not None:
            self._socketio.start_background_task(self._transports.close_after_farewell, eio_sid)

    def _put(self, event: str, payload: Payload, room: str) -> None:
        # The client manager's own, which both `emit`s above it end in at several times its cost.
        self._socketio.server.manager.emit(event, payload, NAMESPACE, room=room)

    def _put_joined(self, event: str, pieces: Pieces, baskets: list[Basket]) -> None:
        self._transports.emit_joined(event, pieces, baskets, NAMESPACE)

    # --- rooms ------------------------------------------------------------------------------------

    def _move(self, session: Session, change: RoomChange) -> None:
        for room in change.leave:
            self._socketio.server.leave_room(session.sid, room, namespace=NAMESPACE)
        for room in change.enter:
            self._enter(session.sid, room)

    def _enter(self, sid: str, room: str) -> None:
        self._socketio.server.enter_room(sid, room, namespace=NAMESPACE)
