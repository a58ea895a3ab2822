"""The face of the stream: Socket.IO handlers, and the background tasks that emit.

Thin by intent. What a connection may ask for and have is decided in `streaming/`, what the market
says comes from `market/` and `analysis/`, what the words are from `protocol`.

A client is *connected* before it is *accepted*: the transport has to be open for `auth_error` to
be delivered at all. Only an accepted client has a session and is in a room, and events go to
rooms only, so one that is being refused hears nothing but why.
"""

import logging
import random
from collections.abc import Callable, Container, Iterable
from functools import partial
from typing import Any

from flask_socketio import SocketIO

from backend import green
from backend.auth.tokens import Authenticator, Revocations, TokenRejected
from backend.clock import Clock
from backend.fanout.fan import in_slices
from backend.fanout.identity import Identity
from backend.fanout.transport import Transports
from backend.fanout.wire.pieces import Pieces, Sent
from backend.journal.census import USERS, Census
from backend.journal.journal import Journal, NotSaid
from backend.journal.recoveries import Recoveries
from backend.market.market import Market
from backend.metrics import Metrics
from backend.protocol import (
    ACCEPTED_ROOM,
    EVENT_NAME_MAX_CHARS,
    INTERNAL_ERROR,
    MESSAGE_TOO_LARGE,
    SENTIMENT_UPDATE,
    SERVER_SHUTDOWN,
    STATUS_CONNECTED,
    STATUS_SHUTDOWN,
    TOKEN_REVOKED,
    TOO_MANY_CONNECTIONS,
    AuthFailure,
    Payload,
    parse_return,
    user_room,
    wants_recovery,
)
from backend.streaming.broadcaster import PRICE_FLUSH_SECONDS, Broadcaster
from backend.streaming.candle_stream import LOOK_SECONDS, CandleStream
from backend.streaming.clients import Clients
from backend.streaming.figures import Figures, figures_of
from backend.streaming.limits import MESSAGE_MAX_BYTES, PER_USER
from backend.streaming.outlet import Outlet
from backend.streaming.periodic import Periodic, Prompted
from backend.streaming.producer import Producer
from backend.streaming.production import Production
from backend.streaming.published import Published
from backend.streaming.recovery import Admission, Recovery
from backend.streaming.renewal import Renewal
from backend.streaming.requests import FAILED_HERE, Requests
from backend.streaming.resume import Resumption
from backend.streaming.sessions import Session, Sessions
from backend.streaming.subscriptions import Basket, RoomChange, Subscriptions
from backend.streaming.watch import WATCH_SECONDS, Watch

logger = logging.getLogger(__name__)

# Clients are spread over this range when they come back after a shutdown, so that the next
# process does not meet them all at once.
RECONNECT_AFTER_MS = (500, 5_000)

NAMESPACE = "/"


class WebSocketService:
    """Owns the connections of one process from acceptance to farewell."""

    def __init__(
        self,
        socketio: SocketIO,
        transports: Transports,
        market: Market,
        journal: Journal,
        published: Published,
        production: Production,
        recoveries: Recoveries,
        recovered_here: Callable[[str, int], None],
        authenticator: Authenticator,
        revocations: Revocations,
        census: Census,
        *,
        symbols: Container[str],
        auth_required: bool,
        per_user: int,
        user_rooms: bool,
        token_warning_seconds: float,
        clock: Clock,
        metrics: Metrics,
        rng: random.Random,
    ) -> None:
        """With `user_rooms` each user's connections are in a room, for programs outside to emit
        to. `recovered_here(sid, returns)` is called when a connection has come back here so often
        that may still be another process's: there `recovered_elsewhere` is to be called."""
        self._socketio = socketio
        self._transports = transports
        self._published = published
        self._production = production
        self._recovered_here = recovered_here
        self._authenticator = authenticator
        self._auth_required = auth_required
        self._census = census
        self._per_user = per_user
        self._user_rooms = user_rooms
        self._clock = clock
        self._metrics = metrics
        self._rng = rng
        self.sessions = Sessions(round(token_warning_seconds * 1000))
        self._subscriptions = Subscriptions()
        self._out = Outlet(self._put, self._put_joined, market, self.sessions, clock, metrics)
        self._resumption = Resumption(journal, metrics)
        self._recovery = Recovery(
            journal.log,
            recoveries,
            self._resumption,
            symbols,
            socketio.server.eio.generate_id,
            self._end_former,
            clock,
            metrics,
        )
        self._clients = Clients(transports.polls, clock, metrics)
        metrics.show("crs_clients", "Connections", ("transport", "client"), self._clients.counts)
        metrics.show(
            "crs_symbol_subscriptions",
            "Connections that are subscribed to a symbol",
            ("symbol",),
            lambda: {(symbol,): n for symbol, n in self._subscriptions.by_symbol().items()},
        )
        self._broadcaster = Broadcaster(
            market,
            journal.log,
            self._subscriptions,
            self._out.emit,
            self._out.emit_joined,
            self._out.announce,
            lambda: self._prices.prompt(),
            clock,
            metrics,
        )
        self._candles = CandleStream(market, self._subscriptions, self._out.emit, green.pause)
        self._prices = Prompted(
            socketio.server.eio.create_event(),
            "prices",
            PRICE_FLUSH_SECONDS,
            self._broadcaster.flush_prices,
            socketio.sleep,
            clock,
            metrics,
        )
        self._watch = Watch(
            self._out, self.sessions, self._subscriptions, market, self._refuse, clock, metrics
        )
        self._tasks: list[Periodic] = []
        self._leaving = False
        revocations.subscribe(self.revoke)
        transports.when_too_large(self._refuse_message)
        transports.identify(self._identify)
        self._requests = Requests(
            self._out,
            self.sessions,
            self._subscriptions,
            self._broadcaster,
            published,
            self._resumption,
            self._recovery,
            self._candles,
            self._say_first,
            authenticator,
            symbols,
            self._move,
            self._recognise,
            self._refuse,
            self._part_for,
            clock,
        )
        self._renewal = Renewal(
            journal.log,
            self._resumption.place,
            self._requests.begin_again,
            self._broadcaster.send,
            socketio.start_background_task,
            socketio.sleep,
        )
        self._register()

    # --- background tasks -------------------------------------------------------------------------

    def start(self, intervals: dict[str, float]) -> None:
        """Start the background tasks; `intervals` gives the seconds between market, sentiment
        and signal events under those names."""
        actions: dict[str, tuple[float, Callable[[], None]]] = {
            "market": (intervals["market"], lambda: self._production.tick(self.tick)),
            "sentiment": (intervals["sentiment"], self._say_sentiment),
            "signals": (intervals["signal"], self._say_signals),
            "candles": (LOOK_SECONDS, self._candles.look),
            "watch": (WATCH_SECONDS, self._look_after),
        }
        sleep = self._socketio.sleep
        self._tasks = [
            Periodic(name, interval, action, sleep, self._clock, self._metrics)
            for name, (interval, action) in actions.items()
        ]
        self._tasks.append(self._prices)
        for task in self._tasks:
            self._socketio.start_background_task(task.run)

    def stop(self) -> None:
        """End the background tasks."""
        for task in self._tasks:
            task.stop()

    def say_farewell(self, seconds: float) -> None:
        """Tell every client that the process ends and when to come back; then wait until those that
        poll have fetched it, or for so long."""
        self._leaving = True
        sleep = self._socketio.sleep
        for session in in_slices(self.sessions, self._clock.monotonic, lambda: sleep(0)):
            self._part_with(session)
        self._transports.wait_for_polls(seconds)

    def drain(self, seconds: float) -> None:
        """Close every connection once what waits for it has been written, or after `seconds`."""
        self._transports.close_all(seconds)

    def _part_with(self, session: Session) -> None:
        self._out.send_status(session, STATUS_SHUTDOWN, "The server is shutting down")
        payload = {
            "reconnect_after_ms": self._rng.randint(*RECONNECT_AFTER_MS),
            "timestamp": self._out.now(),
        }
        self._out.send(session.sid, SERVER_SHUTDOWN, payload)

    def figures(self) -> Figures:
        """What this process does and has done, in numbers."""
        return figures_of(self._clients, self._subscriptions, self._metrics)

    def revoke(self, login: str) -> None:
        """Close the live connections of a login whose tokens were revoked."""
        for session in self.sessions.of_login(login):
            self._refuse(session.sid, TOKEN_REVOKED)

    def is_watched(self, symbol: str) -> bool:
        """Whether any connection is subscribed to a symbol."""
        return self._subscriptions.watchers(symbol) > 0

    def follow(self, symbol: str) -> None:
        """A symbol is served from now on: whoever wants it subscribes."""

    def unfollow(self, symbol: str) -> None:
        """A symbol is not served any more."""
        if self.is_watched(symbol):
            self._requests.withdraw(symbol)

    def close(self, connection: str) -> None:
        """End a connection by its id, if it is one of this process."""
        if self._socketio.server.manager.is_connected(connection, NAMESPACE):
            self._part(connection)

    def tick(self) -> None:
        """Send every client its quotes."""
        self._broadcaster.tick()

    def _say_signals(self) -> None:
        self._produce(Producer.say_signals)

    def _say_sentiment(self) -> None:
        self._produce(Producer.say_sentiment)
        self._produce(Producer.recall)

    def _say_first(self, symbols: Iterable[str]) -> None:
        """Nobody who subscribes waits for the next cycle where there is something to say."""
        self._renewal.wait()
        self._produce(Producer.say_first, symbols)

    def _produce(self, say: Callable[..., None], *args: object) -> None:
        """Have something said, where that is this process's part."""
        producer = self._production.producer
        if producer is not None:
            try:
                say(producer, *args)
            except NotSaid:
                self._metrics.not_said.inc()  # the next cycle says it, if it is still true

    def _look_after(self) -> None:
        self._watch.look()
        self._recovery.rewrite()
        self._transports.sweep()

    # --- handlers ---------------------------------------------------------------------------------

    def _register(self) -> None:
        # On the server itself: a handler asks for nothing but the connection's id, and the request
        # context that Flask-SocketIO would push for each event costs more than most handlers.
        on = self._socketio.server.on
        on("connect", self._on_connect)
        on("disconnect", self._on_disconnect)
        for event in self._requests.events:
            on(event, partial(self._serve, event))
        on("*", self._serve)

    def _on_connect(
        self,
        sid: str,
        _environ: object = None,
        auth: object = None,
        admission: object = None,
        *_args: Any,
    ) -> None:
        if self.sessions.get(sid) is not None:
            # A client may send an ordinary event of this name at any time.
            self._serve("connect", sid)
            return
        try:
            session = self._authenticated(sid, auth)
            if self._one_too_many(session):
                self._out.count_refusal(PER_USER)
                text = "This account has too many connections"
                self._out.send_error(sid, "connect", TOO_MANY_CONNECTIONS, text)
                self._part(sid)
            else:
                self._accept(session, admission if isinstance(admission, Admission) else None)
        except TokenRejected as rejected:
            self._refuse(sid, rejected.failure)
        except Exception:
            # Nothing may leave this handler: the library would leave the client half connected.
            logger.exception("Accepting a client failed")
            self._out.send_error(sid, "connect", INTERNAL_ERROR, FAILED_HERE)
            self._part(sid)

    def _accept(self, session: Session, admission: Admission | None) -> None:
        former = None if admission is None else admission.former
        if former is None and self._published.sentiment() is None:
            self._produce(Producer.say_sentiment)
        self.sessions.add(session)
        server = self._socketio.server
        eio_sid = server.manager.eio_sid_from_sid(session.sid, NAMESPACE)
        self._transports.accept(eio_sid)
        environ = server.get_environ(session.sid, NAMESPACE) or {}
        self._clients.enter(session, eio_sid, environ.get("HTTP_USER_AGENT", ""))
        self._enter(session.sid, ACCEPTED_ROOM)
        self._recognise(session)
        session.ticket = None if admission is None else admission.ticket
        self._out.send_status(session, STATUS_CONNECTED, "Streaming; subscribe to symbols")
        if former is not None:
            self._requests.recover(session, former)
        else:
            place = self._recovery.answered(session)
            sentiment = self._published.sentiment()
            if sentiment is not None:
                self._out.send(session.sid, SENTIMENT_UPDATE, sentiment, place)
        if self._leaving:
            # Its transport was opened before.
            self._part_with(session)

    def _on_disconnect(self, sid: str, *_args: Any) -> None:
        if self._socketio.server.manager.is_connected(sid, NAMESPACE):
            # Not the end of a connection: a client sent an ordinary event of this name.
            self._serve("disconnect", sid)
            return
        session = self.sessions.remove(sid)
        if session is not None:
            eio_sid = self._socketio.server.manager.eio_sid_from_sid(sid, NAMESPACE)
            self._recovery.ended(session, cut=not self._transports.is_open(eio_sid))
            self._subscriptions.release(session)
            self._clients.leave(session)

    def _serve(self, event: str, sid: str, *args: Any) -> Payload | None:
        """Any event of a client; ones that are not accepted are answered with nothing."""
        session = self.sessions.get(sid)
        if session is None:
            return None
        return self._requests.serve(session, event[:EVENT_NAME_MAX_CHARS], args)

    def _refuse_message(self, eio_sid: str) -> None:
        """Say why a connection is about to be closed; which event it was is not known."""
        sid = self._socketio.server.manager.sid_from_eio_sid(eio_sid, NAMESPACE)
        if sid is not None and self.sessions.get(sid) is not None:
            text = f"A message may have {MESSAGE_MAX_BYTES} bytes"
            self._out.send_error(sid, "", MESSAGE_TOO_LARGE, text)

    # --- recovery ---------------------------------------------------------------------------------

    def _identify(self, eio_sid: str, auth: object) -> Identity | None:
        """Who a client is that asks for recovery: what it was, or new."""
        if not wants_recovery(auth):
            return None
        try:
            user_id = self._authenticated("", auth).user_id
        except TokenRejected:
            return None  # whoever accepts it says so
        admission = self._recovery.admit(parse_return(auth), user_id)
        if not self._transports.is_open(eio_sid):
            self._recovery.give_back(admission)
        return Identity(admission.sid, admission.ticket.pid, admission)

    def _end_former(self, sid: str, returns: int) -> None:
        if not self.recovered_elsewhere(sid, returns):
            self._recovered_here(sid, returns)

    def recovered_elsewhere(self, sid: str, returns: int) -> bool:
        """A connection has come back so often, to another connection or process: end what is left
        of it here; whether there is anything. Its client is told to stay away: it has come back, or
        it is not the same one."""
        session = self.sessions.get(sid)
        if session is None or session.ticket is None or session.ticket.returns >= returns:
            return False
        self._part(sid)
        return True

    # --- authentication ---------------------------------------------------------------------------

    def _authenticated(self, sid: str, auth: object) -> Session:
        """A session for the token in `auth`; raises `TokenRejected`."""
        token = auth.get("token") if isinstance(auth, dict) else None
        if token is None and not self._auth_required:
            return Session(sid)
        claims = self._authenticator.authenticate(token)
        return Session(sid, claims.user_id, claims.session_id, claims.expires_at_ms)

    def _one_too_many(self, session: Session) -> bool:
        user = session.user_id
        if user is None or not self._per_user:
            return False
        return self.sessions.users[user] + self._census.others(USERS, user) >= self._per_user

    def _refuse(self, sid: str, failure: AuthFailure) -> None:
        """Say why, and part."""
        environ = self._socketio.server.get_environ(sid, NAMESPACE) or {}
        logger.info("refused a client at %s: %s", environ.get("REMOTE_ADDR"), failure.code)
        self._out.send_refusal(sid, failure)
        self._part(sid)

    def _part_for(self, sid: str, reason: str) -> None:
        """End a connection whose client is at fault, once it has been told."""
        self._transports.part(
            self._socketio.server.manager.eio_sid_from_sid(sid, NAMESPACE), reason
        )

    def _part(self, sid: str) -> None:
        """Disconnect a client, and close its transport once it has read what was sent to it."""
        server = self._socketio.server
        eio_sid = server.manager.eio_sid_from_sid(sid, NAMESPACE)
        server.disconnect(sid, namespace=NAMESPACE)
        if eio_sid is not None:
            self._socketio.start_background_task(self._transports.close_after_farewell, eio_sid)

    def _put(self, event: str, payload: Payload, room: str, place: str | None) -> None:
        # The client manager's own, which both `emit`s above it end in at several times its cost.
        self._socketio.server.manager.emit(event, payload, NAMESPACE, room=room, place=place)

    def _put_joined(self, event: str, pieces: Pieces, baskets: list[Basket]) -> Sent:
        return self._transports.emit_joined(event, pieces, baskets, NAMESPACE)

    # --- rooms ------------------------------------------------------------------------------------

    def _recognise(self, session: Session) -> None:
        if self._user_rooms and session.user_id is not None:
            self._enter(session.sid, user_room(session.user_id))

    def _move(self, session: Session, change: RoomChange) -> None:
        for room in change.leave:
            self._socketio.server.leave_room(session.sid, room, namespace=NAMESPACE)
        for room in change.enter:
            self._enter(session.sid, room)

    def _enter(self, sid: str, room: str) -> None:
        self._socketio.server.enter_room(sid, room, namespace=NAMESPACE)
