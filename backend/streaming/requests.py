"""What an accepted client may ask for, and what it is answered.

Knows no socket: it is given the way out, and what moves a connection between rooms, and so is
tested without a server. Each handler gets the session and the event's arguments, raises
`RequestError` where they can't be served, and returns the acknowledgement, if there is one.
"""

import logging
from collections.abc import Callable, Container, Iterable
from operator import itemgetter

from backend import green
from backend.auth.tokens import Authenticator, TokenRejected
from backend.client_messages import (
    Arguments,
    RequestError,
    SubscribeRequest,
    SymbolRequest,
    parse_heartbeat,
    parse_subscribe,
    parse_token,
    parse_unsubscribe,
)
from backend.clock import Clock
from backend.protocol import (
    AUTHENTICATE,
    CANDLE,
    HEARTBEAT,
    INTERNAL_ERROR,
    MARKET_UPDATE,
    RATE_LIMITED,
    STATUS_TOKEN_REFRESHED,
    SUBSCRIBE,
    SUBSCRIPTION_CONFIRMED,
    TOKEN_INVALID,
    TRADING_SIGNAL,
    UNKNOWN_EVENT,
    UNKNOWN_SYMBOL,
    UNSUBSCRIBE,
    UNSUBSCRIPTION_CONFIRMED,
    AuthFailure,
    Payload,
)
from backend.streaming.broadcaster import Broadcaster
from backend.streaming.candle_stream import CandleStream
from backend.streaming.limits import Allowance
from backend.streaming.outlet import Outlet
from backend.streaming.published import Published
from backend.streaming.recovery import Former, Recovery
from backend.streaming.resume import Resumption
from backend.streaming.sessions import Session, Sessions
from backend.streaming.subscriptions import RoomChange, Subscriptions

logger = logging.getLogger(__name__)

FAILED_HERE = "The request failed on the server's side"

# An event that was said, and its payload.
Said = tuple[str, Payload]
Handler = Callable[[Session, Arguments], Payload | None]


class Requests:
    """The handlers, by event, of one process's stream."""

    def __init__(
        self,
        out: Outlet,
        sessions: Sessions,
        subscriptions: Subscriptions,
        broadcaster: Broadcaster,
        published: Published,
        resumption: Resumption,
        recovery: Recovery,
        candles: CandleStream,
        prepare: Callable[[Iterable[str]], None],
        authenticator: Authenticator,
        symbols: Container[str],
        move: Callable[[Session, RoomChange], None],
        recognise: Callable[[Session], None],
        refuse: Callable[[str, AuthFailure], None],
        part: Callable[[str, str], None],
        clock: Clock,
    ) -> None:
        """`prepare` is called with symbols before somebody is subscribed to them, and may wait;
        `move` takes a connection out of rooms and into others; `recognise` is called when a
        connection has shown whose it is; `refuse` says why a token is not taken, and ends the
        connection with that id; `part` ends one for a reason."""
        self._out = out
        self._sessions = sessions
        self._subscriptions = subscriptions
        self._broadcaster = broadcaster
        self._published = published
        self._resumption = resumption
        self._recovery = recovery
        self._candles = candles
        self._prepare = prepare
        self._authenticator = authenticator
        self._symbols = symbols
        self._move = move
        self._recognise = recognise
        self._refuse = refuse
        self._part = part
        self._clock = clock
        self._handlers: dict[str, Handler] = {
            SUBSCRIBE: self.subscribe,
            UNSUBSCRIBE: self.unsubscribe,
            AUTHENTICATE: self.authenticate,
            HEARTBEAT: self.heartbeat,
        }

    @property
    def events(self) -> Iterable[str]:
        """What may be asked for."""
        return self._handlers

    def serve(self, session: Session, event: str, args: Arguments) -> Payload | None:
        """Serve an event, or answer it with `error`: where it is one too many, is not known, can't
        be served, or fails here. Returns the acknowledgement."""
        if session.allowance is None:
            session.allowance = Allowance()
        change = event in (SUBSCRIBE, UNSUBSCRIBE)
        refusal = session.allowance.take(change, self._clock.monotonic())
        if refusal is not None:
            if refusal.last:
                self._part(session.sid, RATE_LIMITED)
            return self._out.send_limit(session.sid, event, refusal)
        handler = self._handlers.get(event)
        if handler is None:
            text = f"There is no event {event!r}"
            return self._out.send_error(session.sid, event, UNKNOWN_EVENT, text)
        try:
            return handler(session, args)
        except RequestError as error:
            return self._out.send_error(session.sid, event, error.code, str(error))
        except Exception:
            logger.exception("Handler of %s failed", event)
            return self._out.send_error(session.sid, event, INTERNAL_ERROR, FAILED_HERE)

    # --- the handlers -----------------------------------------------------------------------------

    def subscribe(self, session: Session, args: Arguments) -> Payload | None:
        """Add symbols and confirm. Then comes what the client has missed of them, where it says
        from where on and that is known, or else their present state."""
        parsed = parse_subscribe(args, self._symbols)
        symbols, place = parsed.symbols.accepted, parsed.resume
        self._prepare(symbols)
        wish = session.candles if parsed.candles is None else parsed.candles
        self._candles.follow((*session.symbols, *symbols), wish)
        self._resumption.reach(place)
        # From here on nothing waits: what is said next finds the client in its rooms.
        missed = None if place is None else self._resumption.missed(session, symbols, place)
        if self._sessions.get(session.sid) is not session:
            return None  # it has left meanwhile, or come back on another connection
        if any(symbol not in self._symbols for symbol in symbols):
            raise RequestError(UNKNOWN_SYMBOL, "a symbol has just gone, since nobody watched it")
        self._resumption.begin(session)
        self._move(session, self._subscriptions.subscribe(session, parsed))
        self._recovery.keep(session)
        more = self._resumption.place()
        if place is not None:
            more["recovered"] = missed is not None
            if missed is not None:
                more["offset"] = place.offset
        confirmation = self._confirm(session, SUBSCRIPTION_CONFIRMED, parsed.symbols, **more)
        if snapshot := self._broadcaster.snapshot(session):
            self._out.send(session.sid, MARKET_UPDATE, snapshot)
        if missed is None:
            self._send_said(session, self._signals(symbols))
        else:
            self._send_said(session, [(entry.event, entry.payload()) for entry in missed])
        self._send_forming(session, symbols if parsed.candles is None else session.symbols)
        return confirmation

    def unsubscribe(self, session: Session, args: Arguments) -> Payload:
        """Drop symbols, or all, and confirm."""
        parsed = parse_unsubscribe(args, self._symbols)
        if parsed is None:
            parsed = SymbolRequest(session.symbols, ())
        self._move(session, self._subscriptions.unsubscribe(session, parsed.accepted))
        self._recovery.keep(session)
        return self._confirm(session, UNSUBSCRIPTION_CONFIRMED, parsed)

    def authenticate(self, session: Session, args: Arguments) -> Payload | None:
        """Take a fresh token of the same user for the live connection."""
        try:
            claims = self._authenticator.authenticate(parse_token(args))
            if session.user_id not in (None, claims.user_id):
                raise TokenRejected(TOKEN_INVALID)
        except TokenRejected as rejected:
            self._refuse(session.sid, rejected.failure)
            return None
        self._sessions.renew(session, claims.user_id, claims.session_id, claims.expires_at_ms)
        self._recognise(session)
        self._recovery.keep(session)
        return self._out.send_status(session, STATUS_TOKEN_REFRESHED, "The fresh token is in use")

    def heartbeat(self, _session: Session, args: Arguments) -> Payload:
        """Nothing but the acknowledgement."""
        return {"client_time": parse_heartbeat(args), "server_time": self._out.now()}

    # --- what comes by itself ---------------------------------------------------------------------

    def recover(self, session: Session, former: Former) -> None:
        """Make a connection what it was, and send what it has missed, each with its place, and
        quotes as they are now. Nothing here waits."""
        missed, was = self._recovery.missed(session, former), former.state
        symbols = SymbolRequest(was.symbols, ())
        request = SubscribeRequest(symbols, was.realtime, was.fields, was.candles)
        self._move(session, self._subscriptions.subscribe(session, request))
        self._recovery.keep(session)
        if snapshot := self._broadcaster.snapshot(session):
            self._out.send(session.sid, MARKET_UPDATE, snapshot)
        for event, payload, place in missed:
            self._out.send(session.sid, event, payload, place)
        self._send_forming(session, session.symbols)

    def begin_again(self, place: Payload) -> None:
        """Another epoch has begun: tell every client that has symbols that it stands at `place`
        now, and the state there: what was said since then waits for them all to be told."""
        for session in self._sessions:
            if session.symbols and self._sessions.get(session.sid) is session:
                request = SymbolRequest(tuple(session.symbols), ())
                self._confirm(session, SUBSCRIPTION_CONFIRMED, request, **place, recovered=False)
                signals = self._signals(request.accepted)
                there = [each for each in signals if each[1]["offset"] <= place["offset"]]
                self._send_said(session, there)
                green.pause()

    def withdraw(self, symbol: str) -> None:
        """Drop a symbol, which is not served any more, for everybody who has it, and say so."""
        request = SymbolRequest((symbol,), ())
        for session in self._sessions:
            if symbol in session.symbols:
                self._move(session, self._subscriptions.unsubscribe(session, request.accepted))
                self._recovery.keep(session)
                self._confirm(session, UNSUBSCRIPTION_CONFIRMED, request)

    # --- within -----------------------------------------------------------------------------------

    def _confirm(
        self, session: Session, event: str, request: SymbolRequest, **more: object
    ) -> Payload:
        confirmation = {
            "symbols": list(request.accepted),
            "rejected": list(request.rejected),
            "subscribed": list(session.symbols),
            "candles": list(session.candles),
            "timestamp": self._out.now(),
            **more,
        }
        self._out.send(session.sid, event, confirmation)
        return confirmation

    def _signals(self, symbols: Iterable[str]) -> list[Said]:
        """The current signals of some symbols, those that were said first before later ones."""
        signals = filter(None, map(self._published.signal, symbols))
        return [(TRADING_SIGNAL, each) for each in sorted(signals, key=itemgetter("offset"))]

    def _send_said(self, session: Session, said: list[Said]) -> None:
        """What was said before, as an answer: who has heard the last of it has everything."""
        for event, payload in said[:-1]:
            self._out.send(session.sid, event, payload)
        for event, payload in said[-1:]:
            self._out.send(session.sid, event, payload, self._recovery.answered(session))

    def _send_forming(self, session: Session, symbols: Iterable[str]) -> None:
        for candle in self._candles.forming(symbols, session.candles):
            self._out.send(session.sid, CANDLE, candle)
