"""How connections end here: refused, at fault, come back elsewhere, or with the process."""

import logging
import random
from collections.abc import Callable

from flask_socketio import SocketIO

from backend.clock import Clock
from backend.fanout.fan import in_slices
from backend.fanout.transport import Transports
from backend.protocol import (
    MESSAGE_TOO_LARGE,
    SERVER_SHUTDOWN,
    STATUS_SHUTDOWN,
    TOKEN_REVOKED,
    AuthFailure,
)
from backend.rooms import NAMESPACE
from backend.streaming.limits import MESSAGE_MAX_BYTES
from backend.streaming.outlet import Outlet
from backend.streaming.sessions import Session, Sessions

logger = logging.getLogger(__name__)

# Clients are spread over this range when they come back after a shutdown, so that the next
# process does not meet them all at once.
RECONNECT_AFTER_MS = (500, 5_000)


class Parting:
    """Tells connections why they end, and ends them."""

    def __init__(
        self,
        socketio: SocketIO,
        transports: Transports,
        out: Outlet,
        sessions: Sessions,
        recovered_here: Callable[[str, int], None],
        clock: Clock,
        rng: random.Random,
    ) -> None:
        """`recovered_here(sid, returns)` is called when a connection has come back here so often
        that may still be another process's: there `recovered_elsewhere` is to be called."""
        self._socketio = socketio
        self._transports = transports
        self._out = out
        self._sessions = sessions
        self._recovered_here = recovered_here
        self._clock = clock
        self._rng = rng
        self._leaving = False
        transports.when_too_large(self._refuse_message)

    @property
    def leaving(self) -> bool:
        """Whether every client has been told that the process ends, or is just being told."""
        return self._leaving

    def say_farewell(self, seconds: float) -> None:
        """Tell every client that the process ends and when to come back; then wait until those that
        poll have fetched it, or for so long."""
        self._leaving = True
        sleep = self._socketio.sleep
        for session in in_slices(self._sessions, self._clock.monotonic, lambda: sleep(0)):
            self.tell(session)
        self._transports.wait_for_polls(seconds)

    def tell(self, session: Session) -> None:
        """Tell a client that the process ends and when to come back."""
        self._out.send_status(session, STATUS_SHUTDOWN, "The server is shutting down")
        payload = {
            "reconnect_after_ms": self._rng.randint(*RECONNECT_AFTER_MS),
            "timestamp": self._out.now(),
        }
        self._out.send(session.sid, SERVER_SHUTDOWN, payload)

    def drain(self, seconds: float) -> None:
        """Close every connection once what waits for it has been written, or after `seconds`."""
        self._transports.close_all(seconds)

    def revoke(self, login: str) -> None:
        """Close the live connections of a login whose tokens were revoked."""
        for session in self._sessions.of_login(login):
            self.refuse(session.sid, TOKEN_REVOKED)

    def refuse(self, sid: str, failure: AuthFailure) -> None:
        """Say why, and part."""
        environ = self._socketio.server.get_environ(sid, NAMESPACE) or {}
        logger.info("refused a client at %s: %s", environ.get("REMOTE_ADDR"), failure.code)
        self._out.send_refusal(sid, failure)
        self.part(sid)

    def close(self, connection: str) -> None:
        """End a connection by its id, if it is one of this process."""
        if self._socketio.server.manager.is_connected(connection, NAMESPACE):
            self.part(connection)

    def end_former(self, sid: str, returns: int) -> None:
        """End what is left of a connection that has come back here so often, wherever it is."""
        if not self.recovered_elsewhere(sid, returns):
            self._recovered_here(sid, returns)

    def recovered_elsewhere(self, sid: str, returns: int) -> bool:
        """A connection has come back so often, to another connection or process: end what is left
        of it here; whether there is anything. Its client is told to stay away: it has come back, or
        it is not the same one."""
        session = self._sessions.get(sid)
        if session is None or session.ticket is None or session.ticket.returns >= returns:
            return False
        self.part(sid)
        return True

    def part(self, sid: str) -> None:
        """Disconnect a client, and close its transport once it has read what was sent to it."""
        server = self._socketio.server
        eio_sid = server.manager.eio_sid_from_sid(sid, NAMESPACE)
        server.disconnect(sid, namespace=NAMESPACE)
        if eio_sid is not None:
            self._socketio.start_background_task(self._transports.close_after_farewell, eio_sid)

    def part_for(self, sid: str, reason: str) -> None:
        """End a connection whose client is at fault, once it has been told."""
        self._transports.part(
            self._socketio.server.manager.eio_sid_from_sid(sid, NAMESPACE), reason
        )

    def _refuse_message(self, eio_sid: str) -> None:
        """Say why a connection is about to be closed; which event it was is not known."""
        sid = self._socketio.server.manager.sid_from_eio_sid(eio_sid, NAMESPACE)
        if sid is not None and self._sessions.get(sid) is not None:
            text = f"A message may have {MESSAGE_MAX_BYTES} bytes"
            self._out.send_error(sid, "", MESSAGE_TOO_LARGE, text)
