"""The sessions of this package's own engine, as `transport` wants them."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

from backend.clock import Clock
from backend.fanout import identity
from backend.fanout.engine import PING_TIMEOUT, RATE_LIMITED, SLOW_CONSUMER, Engine
from backend.fanout.sessions.connection import Connection
from backend.fanout.transport import STALLED_SECONDS, Transports
from backend.fanout.wire.frame import NORMAL, POLICY, TOO_BIG
from backend.fanout.wire.frame_reader import ProtocolViolation
from backend.fanout.wire.pieces import Basket, Pieces, Sent


class EngineTransports(Transports):
    """The sessions of `fanout.engine.Engine`."""

    def __init__(self, server: Any, clock: Clock, on_closed: Callable[[str], None]) -> None:
        super().__init__(server, clock, on_closed)
        engine: Engine = server.eio
        engine.handle = self._handle
        engine.violated = self._violated
        engine.give_up = self._give_up
        engine.overdone = self._overdone
        engine.timed_out = self._timed_out

    def accept(self, eio_sid: str) -> None:
        connection = self._eio.sockets.get(eio_sid)
        if connection is not None:
            connection.accept()

    def identify(self, decide: identity.Decide) -> None:
        identity.install(self._server, decide)

    def _violated(self, connection: Connection, violation: ProtocolViolation) -> None:
        if self._parted(connection):
            return
        if violation.code == TOO_BIG:
            self._on_too_large(connection.sid)
        self._protocol_error(connection, violation, violation.code)

    def _give_up(self, connection: Connection) -> None:
        """A connection's outbox is over its bound."""
        self._close_for(connection, SLOW_CONSUMER, POLICY)

    def _timed_out(self, connection: Connection) -> None:
        """A client has not answered a ping."""
        self._close_for(connection, PING_TIMEOUT, NORMAL)

    def _overdone(self, connection: Connection) -> None:
        """A client goes on sending more than it is served."""
        self._close_for(connection, RATE_LIMITED, POLICY)

    def emit_joined(
        self, event: str, pieces: Pieces, baskets: Iterable[Basket], namespace: str
    ) -> Sent:
        sent: Sent = self._server.manager.emit_joined(event, pieces, baskets, namespace)
        return sent

    def _parted(self, session: Connection) -> bool:
        return session.closing or session.given_up

    def _unsent(self, session: Connection) -> int:
        return session.unsent()

    def _waiting(self) -> list[Connection]:
        waiting = self._eio.waiting
        waiting.difference_update([session for session in waiting if not session.unsent()])
        return list(waiting)

    def _polls(self, session: Connection) -> bool:
        return session.polling is not None

    def _slow(self) -> list[Connection]:
        return [
            session
            for session in self._waiting()
            if not session.given_up and session.stalled() > STALLED_SECONDS
        ]

    def _taking_part(self) -> Collection[str]:
        connected: Collection[str] = self._server.manager.taking_part("/")
        return connected

    def _close(self, session: Connection, code: int, text: str) -> None:
        session.given_up = True
        self._eio.close_for(session, code, text)
