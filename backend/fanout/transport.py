"""What stands between the Engine.IO server and Socket.IO: protocol errors, sweeping, closing.

`Transports` is the same for both engines; `engine_transports` is for this package's own, and
`stock` for the driver's. Application code never sees which. Knows nothing of markets.
"""

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable
from typing import Any

from backend.clock import Clock
from backend.fanout import identity
from backend.fanout.engine import SLOW_CONSUMER
from backend.fanout.fan import in_slices
from backend.fanout.wire.frame import GOING_AWAY, POLICY, PROTOCOL_VIOLATION
from backend.fanout.wire.pieces import Basket, Pieces, Sent

logger = logging.getLogger(__name__)

# A transport on which nobody takes part in Socket.IO is closed after this long: a client sends
# CONNECT within a round trip, so only what is broken or hostile is hit.
IDLE_TRANSPORT_SECONDS = 10.0
# A connection to which nothing of what waits could be written for this long is closed.
STALLED_SECONDS = 10.0
# Between two looks, this is a process that was stopped and not one that was busy.
PAUSE_SECONDS = 4.0
# The attachments of an event follow it at once; half an event is not kept for longer than this.
ATTACHMENTS_SECONDS = 10.0
# A refused client is given this long to fetch what was sent to it (a poll may be on its way) ...
FAREWELL_SECONDS = 5.0
FAREWELL_STEP_SECONDS = 0.05
# ... and this long to close by itself once it has.
LINGER_SECONDS = 0.2
# Between two looks for who has read the last words.
LAST_LOOK_SECONDS = 0.02

PROTOCOL_ERROR = "protocol_error"
NEVER_CONNECTED = "never_connected"


class QuietLog(logging.Filter):
    """Lets each kind of message of the libraries through once, and without its traceback.

    They log an exception with a traceback for every bad packet, which lets a client fill a disk.
    A kind is a message before its arguments are filled in, so their number is bounded by the code.
    """

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def filter(self, record: logging.LogRecord) -> bool:
        kind = str(record.msg)
        if kind in self._seen:
            return False
        self._seen.add(kind)
        record.exc_info = None
        return True


class Transports(ABC):
    """The Engine.IO sessions of one `socketio.Server`."""

    def __init__(self, server: Any, clock: Clock, on_closed: Callable[[str], None]) -> None:
        """`on_closed` is told why, whenever a connection is closed from here."""
        self._server = server
        self._eio = server.eio
        self._clock = clock
        self._on_closed = on_closed
        self._on_too_large: Callable[[str], None] = lambda _eio_sid: None
        self._strangers: dict[str, float] = {}
        self._unfinished: dict[str, float] = {}
        self._swept_at = clock.monotonic()
        self._resumed_at = self._swept_at
        self._logged: set[str] = set()
        self._handlers = dict(self._eio.handlers)

    def name_sessions(self, name: str) -> None:
        """Let the ids of all sessions begin with `name` and a dot, by which a proxy can tell where
        one lives. Before the first connection."""
        generate = self._eio.generate_id
        self._eio.generate_id = lambda: f"{name}.{generate()}"

    def polls(self, eio_sid: str) -> bool:
        """Whether a session is there and polling."""
        session = self._eio.sockets.get(eio_sid)
        return session is not None and self._polls(session)

    def when_too_large(self, listener: Callable[[str], None]) -> None:
        """Call `listener(eio_sid)`, which must not wait, before a connection is closed for a
        message over the limit."""
        self._on_too_large = listener

    def is_open(self, eio_sid: str) -> bool:
        """Whether a transport is there, and its end not on its way."""
        session = self._eio.sockets.get(eio_sid)
        return session is not None and not self._parted(session)

    def follow(
        self, opened: Callable[[str, dict[str, Any]], None], closed: Callable[[str], None]
    ) -> None:
        """Call `opened(eio_sid, environ)` when a session begins and `closed(eio_sid)` when it
        ends; neither may wait."""
        connect = self._handlers["connect"]

        def began(eio_sid: str, environ: dict[str, Any]) -> Any:
            opened(eio_sid, environ)
            return connect(eio_sid, environ)

        def ended(eio_sid: str, reason: str) -> None:
            closed(eio_sid)
            self._handlers["disconnect"](eio_sid, reason)

        self._eio.on("connect", began)
        self._eio.on("disconnect", ended)

    @abstractmethod
    def accept(self, eio_sid: str) -> None:
        """The client of a connection has shown a good token: it gives way to no stranger."""

    @abstractmethod
    def identify(self, decide: identity.Decide) -> None:
        """Have `decide` say who a connection is, before its CONNECT is answered. The driver's own
        engine can't be told: there, nobody is asked, and every connection is a new one."""

    @abstractmethod
    def emit_joined(
        self, event: str, pieces: Pieces, baskets: Iterable[Basket], namespace: str
    ) -> Sent:
        """Send each basket's room an event whose argument is an object of its own: those of
        `pieces` that its selection names, or no event where there is none. May yield."""

    # --- the end of a transport -------------------------------------------------------------------

    def close_after_farewell(self, eio_sid: str) -> None:
        """Close a transport once what was sent to it has been fetched. Takes up to
        `FAREWELL_SECONDS`, so it is run as a background task."""
        self._wait_until_fetched(eio_sid)
        self._eio.sleep(LINGER_SECONDS)
        self.close(eio_sid)

    def close(self, eio_sid: str) -> None:
        """Close a transport now, so that a client that was not told to stay away comes back."""
        session = self._eio.sockets.get(eio_sid)
        if session is not None and not self._parted(session):
            self._close(session, GOING_AWAY, "")

    def wait_for_polls(self, seconds: float) -> None:
        """Until nothing waits for clients that poll, or for so long."""
        deadline = self._clock.monotonic() + seconds
        while any(map(self._polls, self._waiting())) and self._clock.monotonic() < deadline:
            self._eio.sleep(LAST_LOOK_SECONDS)

    def close_all(self, seconds: float) -> None:
        """Close each transport once what waits for its client has been written, and what is left
        after `seconds`; clients reconnect by themselves."""
        deadline = self._clock.monotonic() + seconds
        while self._eio.sockets:
            waiting = self._waiting() if self._clock.monotonic() < deadline else []
            unread = {session.sid for session in waiting}
            read = [sid for sid in self._eio.sockets if sid not in unread]
            for eio_sid in in_slices(read, self._clock.monotonic, lambda: self._eio.sleep(0)):
                self.close(eio_sid)
            if not waiting:
                return
            self._eio.sleep(LAST_LOOK_SECONDS)

    def part(self, eio_sid: str, reason: str) -> None:
        """Close a connection whose client is at fault; counted by `reason`, which it is told."""
        session = self._eio.sockets.get(eio_sid)
        if session is not None:
            self._close_for(session, reason, POLICY)

    def sweep(self) -> None:
        """Close what does not read, and what never took part. Called about once a second."""
        now = self._clock.monotonic()
        if now - self._swept_at > PAUSE_SECONDS:
            # The process was stopped: what clients did meanwhile has not been looked at yet.
            self._resumed_at = now
            self._strangers = dict.fromkeys(self._strangers, now)
        self._swept_at = now
        if now - self._resumed_at > STALLED_SECONDS:
            for session in self._slow():
                self._close_for(session, SLOW_CONSUMER, POLICY)
        strangers = {}
        taking_part = self._taking_part()
        # Each that takes part has a transport: with as many of both there is nothing to look for.
        if len(taking_part) != len(self._eio.sockets):
            for eio_sid in self._eio.sockets.keys() - taking_part:
                strangers[eio_sid] = since = self._strangers.get(eio_sid, now)
                session = self._eio.sockets.get(eio_sid)
                # Closing one may let others end; the driver forgets a closed one a little later.
                if session is None or session.closed:
                    continue
                if now - since > IDLE_TRANSPORT_SECONDS:
                    self._close_for(session, NEVER_CONNECTED, POLICY)
        self._strangers = strangers
        self._sweep_unfinished(now)

    # --- what an engine knows of its sessions -----------------------------------------------------

    @abstractmethod
    def _unsent(self, session: Any) -> int:
        """Packets that wait for the client."""

    @abstractmethod
    def _waiting(self) -> list[Any]:
        """The sessions for whose clients something waits."""

    @abstractmethod
    def _polls(self, session: Any) -> bool:
        """Whether what waits for a session's client is to be fetched by that."""

    @abstractmethod
    def _slow(self) -> list[Any]:
        """The sessions whose clients read too little to be kept."""

    @abstractmethod
    def _taking_part(self) -> Collection[str]:
        """The ids of the sessions that have connected to the default namespace."""

    @abstractmethod
    def _parted(self, session: Any) -> bool:
        """Whether the close of a session is on its way already."""

    @abstractmethod
    def _close(self, session: Any, code: int, text: str) -> None:
        """Close a transport now; `code` and `text` are for the WebSocket's close frame."""

    # --- within -----------------------------------------------------------------------------------

    def _wait_until_fetched(self, eio_sid: str) -> None:
        """Wait until what was sent to a transport has been fetched, for `FAREWELL_SECONDS`."""
        deadline = self._clock.monotonic() + FAREWELL_SECONDS
        while (session := self._eio.sockets.get(eio_sid)) and self._unsent(session):
            if self._clock.monotonic() >= deadline:
                break
            self._eio.sleep(FAREWELL_STEP_SECONDS)

    def _sweep_unfinished(self, now: float) -> None:
        """Close those that have announced attachments and do not send them."""
        unfinished = {}
        for eio_sid in self._server._binary_packet:
            unfinished[eio_sid] = self._unfinished.get(eio_sid, now)
        self._unfinished = unfinished
        for eio_sid, since in unfinished.items():
            if now - max(since, self._resumed_at) > ATTACHMENTS_SECONDS:
                self.part(eio_sid, PROTOCOL_ERROR)

    def _handle(self, session: Any, data: str | bytes) -> None:
        """Hand a message on."""
        if session.closing or session.closed:
            return  # what was still in the socket's buffer is not for us
        try:
            self._handlers["message"](session.sid, data)
        except Exception as error:
            self._protocol_error(session, error)

    def _protocol_error(
        self, session: Any, error: Exception, code: int = PROTOCOL_VIOLATION
    ) -> None:
        kind = type(error).__name__
        if kind not in self._logged:
            self._logged.add(kind)
            logger.info("A client broke the protocol (%s); its connection is closed", kind)
        self._close_for(session, PROTOCOL_ERROR, code)

    def _close_for(self, session: Any, reason: str, code: int) -> None:
        if self._parted(session):
            return  # its messages that came together may each be one too many
        if reason not in self._logged:
            self._logged.add(reason)
            logger.warning("Closing connections for %s; counted in /metrics from here on", reason)
        self._on_closed(reason)
        self._close(session, code, reason)
