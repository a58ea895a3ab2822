"""The Socket.IO handlers: who is accepted, as whom, and what becomes of its events.

A client is *connected* before it is *accepted*: the transport has to be open for `auth_error` to
be delivered at all. Only an accepted client has a session and is in a room, and events go to
rooms only, so one that is being refused hears nothing but why.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from flask_socketio import SocketIO

from backend.auth.tokens import Authenticator, TokenRejected
from backend.client_messages import EVENT_NAME_MAX_CHARS, parse_return, wants_recovery
from backend.fanout.identity import Identity
from backend.fanout.transport import Transports
from backend.journal.census import USERS, Census
from backend.parting import Parting
from backend.protocol import (
    ACCEPTED_ROOM,
    INTERNAL_ERROR,
    SENTIMENT_UPDATE,
    STATUS_CONNECTED,
    TOO_MANY_CONNECTIONS,
    Payload,
)
from backend.rooms import NAMESPACE, Rooms
from backend.streaming.clients import Clients
from backend.streaming.limits import PER_USER
from backend.streaming.outlet import Outlet
from backend.streaming.published import Published
from backend.streaming.recovery import Admission, Recovery
from backend.streaming.requests import FAILED_HERE, Requests
from backend.streaming.sessions import Session, Sessions
from backend.streaming.subscriptions import Subscriptions

logger = logging.getLogger(__name__)


class Reception:
    """Lets clients in, hands on what they ask for, and forgets those that have gone."""

    def __init__(
        self,
        socketio: SocketIO,
        transports: Transports,
        rooms: Rooms,
        parting: Parting,
        out: Outlet,
        sessions: Sessions,
        subscriptions: Subscriptions,
        clients: Clients,
        published: Published,
        recovery: Recovery,
        requests: Requests,
        authenticator: Authenticator,
        census: Census,
        say_sentiment: Callable[[], None],
        *,
        auth_required: bool,
        per_user: int,
    ) -> None:
        """`say_sentiment` is called when a client comes before the first sentiment."""
        self._socketio = socketio
        self._transports = transports
        self._rooms = rooms
        self._parting = parting
        self._out = out
        self._sessions = sessions
        self._subscriptions = subscriptions
        self._clients = clients
        self._published = published
        self._recovery = recovery
        self._requests = requests
        self._authenticator = authenticator
        self._census = census
        self._say_sentiment = say_sentiment
        self._auth_required = auth_required
        self._per_user = per_user

    def register(self) -> None:
        """Have everything that comes in handed to this object."""
        self._transports.identify(self._identify)
        # On the server itself: a handler asks for nothing but the connection's id, and the request
        # context that Flask-SocketIO would push for each event costs more than most handlers.
        on = self._socketio.server.on
        on("connect", self._on_connect)
        on("disconnect", self._on_disconnect)
        for event in self._requests.events:
            on(event, partial(self._serve, event))
        on("*", self._serve)

    # --- coming and going -------------------------------------------------------------------------

    def _on_connect(
        self,
        sid: str,
        _environ: object = None,
        auth: object = None,
        admission: object = None,
        *_args: Any,
    ) -> None:
        if self._sessions.get(sid) is not None:
            # A client may send an ordinary event of this name at any time.
            self._serve("connect", sid)
            return
        try:
            session = self._authenticated(sid, auth)
            if self._one_too_many(session):
                self._out.count_refusal(PER_USER)
                text = "This account has too many connections"
                self._out.send_error(sid, "connect", TOO_MANY_CONNECTIONS, text)
                self._parting.part(sid)
            else:
                self._accept(session, admission if isinstance(admission, Admission) else None)
        except TokenRejected as rejected:
            self._parting.refuse(sid, rejected.failure)
        except Exception:
            # Nothing may leave this handler: the library would leave the client half connected.
            logger.exception("Accepting a client failed")
            self._out.send_error(sid, "connect", INTERNAL_ERROR, FAILED_HERE)
            self._parting.part(sid)

    def _accept(self, session: Session, admission: Admission | None) -> None:
        former = None if admission is None else admission.former
        if former is None and self._published.sentiment() is None:
            self._say_sentiment()
        self._sessions.add(session)
        server = self._socketio.server
        eio_sid = server.manager.eio_sid_from_sid(session.sid, NAMESPACE)
        self._transports.accept(eio_sid)
        environ = server.get_environ(session.sid, NAMESPACE) or {}
        self._clients.enter(session, eio_sid, environ.get("HTTP_USER_AGENT", ""))
        self._rooms.enter(session.sid, ACCEPTED_ROOM)
        self._rooms.recognise(session)
        session.ticket = None if admission is None else admission.ticket
        self._out.send_status(session, STATUS_CONNECTED, "Streaming; subscribe to symbols")
        if former is not None:
            self._requests.recover(session, former)
        else:
            place = self._recovery.answered(session)
            sentiment = self._published.sentiment()
            if sentiment is not None:
                self._out.send(session.sid, SENTIMENT_UPDATE, sentiment, place)
        if self._parting.leaving:
            # Its transport was opened before.
            self._parting.tell(session)

    def _on_disconnect(self, sid: str, *_args: Any) -> None:
        if self._socketio.server.manager.is_connected(sid, NAMESPACE):
            # Not the end of a connection: a client sent an ordinary event of this name.
            self._serve("disconnect", sid)
            return
        session = self._sessions.remove(sid)
        if session is not None:
            eio_sid = self._socketio.server.manager.eio_sid_from_sid(sid, NAMESPACE)
            self._recovery.ended(session, cut=not self._transports.is_open(eio_sid))
            self._subscriptions.release(session)
            self._clients.leave(session)

    def _serve(self, event: str, sid: str, *args: Any) -> Payload | None:
        """Any event of a client; ones that are not accepted are answered with nothing."""
        session = self._sessions.get(sid)
        if session is None:
            return None
        return self._requests.serve(session, event[:EVENT_NAME_MAX_CHARS], args)

    # --- who it is --------------------------------------------------------------------------------

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
        return self._sessions.users[user] + self._census.others(USERS, user) >= self._per_user

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
