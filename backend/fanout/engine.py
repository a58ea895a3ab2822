"""The Engine.IO server: routes requests to sessions, and starts and ends them.

Takes the place of the driver's server on one `socketio.Server`, with its options and handlers;
answers as version 4 of the protocol asks, down to the errors.
"""

import sys
import time
import urllib.parse
from collections.abc import Callable
from typing import Any

import engineio

from backend import green
from backend.fanout.fan import Fan
from backend.fanout.sessions.connection import Connection
from backend.fanout.sessions.heartbeat import Heartbeat
from backend.fanout.sessions.host import Reason
from backend.fanout.sessions.outbound import Outbound
from backend.fanout.sessions.polling import Polling, PollRefused, read_body
from backend.fanout.sessions.probe import Probe
from backend.fanout.sessions.sockets import HeldSocket
from backend.fanout.wire import codec, handshake
from backend.fanout.wire.frame import NORMAL, POLICY, TEXT, TOO_BIG, frame
from backend.fanout.wire.frame_reader import ProtocolViolation
from backend.fanout.wire.message import Message
from backend.fanout.wire.payload import Inbound
from backend.http.exchange import EXCHANGE
from backend.turns import Share, Turns

# The errors of the protocol, by their code.
_UNKNOWN_TRANSPORT = (0, "Transport unknown")
_UNKNOWN_SESSION = (1, "Session ID unknown")
_BAD_METHOD = (2, "Bad handshake method")
_BAD_REQUEST = (3, "Bad request")
_FORBIDDEN = (4, "Forbidden")
_UNSUPPORTED_VERSION = (5, "Unsupported protocol version")

_POLLING, _WEBSOCKET = "polling", "websocket"
_TEXT = ("Content-Type", "text/plain; charset=UTF-8")

SLOW_CONSUMER = "slow_consumer"
RATE_LIMITED = "rate_limited"
PING_TIMEOUT = "ping_timeout"

# What a message is expected to take at first, and how fast that follows what messages take: a
# subscription to many symbols takes ten times as long as a heartbeat.
MESSAGE_SECONDS = 0.0002
LEARNT_PER_MESSAGE = 0.05

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class _Refused(Exception):
    """A request answered with an error of the protocol."""

    def __init__(self, error: tuple[int, str], status: str = "400 Bad Request") -> None:
        super().__init__(error)
        self.error = error
        self.status = status


class Engine(engineio.Server):
    """The host of all sessions. `sockets` has them by id, as in the driver's own server; `waiting`
    those among them for which something may be waiting, so that a look for slow ones need not go
    through all."""

    heartbeat: Heartbeat
    start_service_task: bool
    waiting: set[Outbound]
    fan: Fan
    allow_deflate: bool
    turns: Turns
    message_seconds: float
    handle: Callable[[Connection, Inbound], None]
    violated: Callable[[Connection, ProtocolViolation], None]
    give_up: Callable[[Connection], None]
    overdone: Callable[[Connection], None]
    timed_out: Callable[[Connection], None]

    @classmethod
    def replacing(
        cls, driver: engineio.Server, fan: Fan, allow_deflate: bool, turns: Turns
    ) -> "Engine":
        """An engine with the options and handlers of `driver`, which has served nothing yet."""
        engine = cls.__new__(cls)
        engine.__dict__.update(driver.__dict__)
        engine.waiting = set()
        engine.fan = fan
        engine.allow_deflate = allow_deflate
        engine.turns = turns
        engine.message_seconds = MESSAGE_SECONDS
        engine.heartbeat = Heartbeat(
            engine.ping_interval,
            engine.ping_timeout,
            lambda connection: engine.timed_out(connection),
            green.pause,
        )
        # What a server without `Transports` does: the application's handler, and no bookkeeping.
        engine.handle = lambda connection, data: engine.handlers["message"](connection.sid, data)
        engine.violated = lambda connection, violation: engine.close_for(
            connection, violation.code, str(violation)
        )
        engine.give_up = lambda connection: engine.close_for(connection, POLICY, SLOW_CONSUMER)
        engine.overdone = lambda connection: engine.close_for(connection, POLICY, RATE_LIMITED)
        engine.timed_out = lambda connection: engine.close_for(connection, NORMAL, PING_TIMEOUT)
        return engine

    now = staticmethod(time.monotonic)

    # --- what python-socketio calls ---------------------------------------------------------------

    def send(self, sid: str, data: Message) -> None:
        """Send what `EnginePacket.encode` returned."""
        connection = self.sockets.get(sid)
        if connection is not None:
            self.fan.send(connection, data)

    def disconnect(self, sid: str | None = None) -> None:
        """Close one session, or all."""
        for connection in list(self.sockets.values()) if sid is None else [self.sockets.get(sid)]:
            if connection is not None:
                connection.close(code=NORMAL)

    def handle_request(self, environ: Environ, start_response: StartResponse) -> list[bytes]:
        """The WSGI application."""
        try:
            self._check_origin(environ)
            query = urllib.parse.parse_qs(environ.get("QUERY_STRING", ""))
            method = environ["REQUEST_METHOD"]
            if method == "OPTIONS":
                status, headers, body = "200 OK", [_TEXT], b"ok"
            else:
                answer = self._route(method, query, environ)
                if answer is None:
                    return []
                status, headers, body = "200 OK", [_TEXT], answer
        except _Refused as refused:
            code, message = refused.error
            status = refused.status
            headers = [("Content-Type", "application/json"), ("Connection", "close")]
            body = codec.encode({"code": code, "message": message})
        except handshake.BadHandshake as bad:
            status, headers, body = bad.status, [("Connection", "close"), *bad.headers], b""
        if self.http_compression and len(body) >= self.compression_threshold:
            encodings = environ.get("HTTP_ACCEPT_ENCODING", "")
            if "gzip" in encodings:
                body = self._gzip(body)
                headers = [*headers, ("Content-Encoding", "gzip")]
        start_response(status, headers + self._cors_headers(environ))
        return [body]

    # --- requests ---------------------------------------------------------------------------------

    def _check_origin(self, environ: Environ) -> None:
        origin = environ.get("HTTP_ORIGIN")
        if origin and self.cors_allowed_origins != []:
            allowed = self._cors_allowed_origins(environ)
            if allowed is not None and origin not in allowed:
                raise _Refused(_FORBIDDEN, "403 Forbidden")

    def _route(self, method: str, query: dict[str, list[str]], environ: Environ) -> bytes | None:
        """The body of an answer; None where the socket has become a WebSocket."""
        transport = query.get("transport", [""])[0]
        if transport not in self.transports:
            raise _Refused(_UNKNOWN_TRANSPORT)
        if "sid" not in query:
            if query.get("EIO") != ["4"]:
                raise _Refused(_UNSUPPORTED_VERSION)
            if method != "GET":
                raise _Refused(_BAD_METHOD)
            if transport == _WEBSOCKET:
                self._open_websocket(environ)
                return None
            return self._open_polling(environ)
        connection = self.sockets.get(query["sid"][0])
        if connection is None or connection.closing or not connection.connected:
            raise _Refused(_UNKNOWN_SESSION)
        if connection.upgraded:
            raise _Refused(_BAD_REQUEST)
        if not connection.share.stranger:
            environ[EXCHANGE].place.known()
        if transport == _WEBSOCKET:
            if method != "GET":
                raise _Refused(_BAD_METHOD)
            self._probe(connection, environ)
            return None
        if method == "GET":
            return self._poll(connection, environ)
        if method == "POST":
            return self._post(connection, environ)
        raise _Refused(_BAD_METHOD)

    def _open_websocket(self, environ: Environ) -> None:
        answer, deflate = handshake.accept(environ, self.allow_deflate)
        share = environ[EXCHANGE].place.share
        connection, opening = self._new_session(environ, [], share)
        try:
            held, early = HeldSocket.taken_from(environ, self.turns)
        except OSError:  # the client has gone already
            connection.close(abort=True, reason=Reason.TRANSPORT_ERROR)
            raise
        try:
            # A fresh socket takes a few hundred bytes whole, or is broken.
            held.sock.send(answer + frame(TEXT, opening))
        except OSError:
            held.close()
            connection.close(abort=True, reason=Reason.TRANSPORT_ERROR)
            return
        connection.open_websocket(held, deflate, early)

    def _open_polling(self, environ: Environ) -> bytes:
        upgrades = [_WEBSOCKET] if self.allow_upgrades and _WEBSOCKET in self.transports else []
        # Its requests come by whatever connections: what it sends is its own matter.
        share = Share(environ[EXCHANGE].place.share.network)
        connection, opening = self._new_session(environ, upgrades, share)
        connection.polling = Polling(connection)
        connection.connected = True
        return opening

    def _new_session(
        self, environ: Environ, upgrades: list[str], share: Share
    ) -> tuple[Connection, bytes]:
        if self.start_service_task:
            self.start_service_task = False
            self.start_background_task(self.heartbeat.run, self.now, self.sleep)
        sid = self.generate_id()
        connection = Connection(self, sid, share)
        self.sockets[sid] = connection
        refusal = self._trigger_event(
            "connect", sid, handshake.kept_environ(environ, sys.intern), run_async=False
        )
        if refusal is not None and refusal is not True:
            del self.sockets[sid]
            raise _Refused(_FORBIDDEN, "403 Forbidden")
        self.heartbeat.start(connection)
        return connection, b"0" + codec.encode(
            {
                "sid": sid,
                "upgrades": upgrades,
                "pingTimeout": int(self.ping_timeout * 1000),
                "pingInterval": int((self.ping_interval + self.ping_interval_grace_period) * 1000),
                "maxPayload": self.max_http_buffer_size,
            }
        )

    def _probe(self, connection: Connection, environ: Environ) -> None:
        answer, deflate = handshake.accept(environ, self.allow_deflate)
        held, early = HeldSocket.taken_from(environ, self.turns)
        try:
            held.sock.send(answer)
        except OSError:
            held.close()
            return
        Probe(connection, held, deflate).start(early)

    def _poll(self, connection: Connection, environ: Environ) -> bytes:
        try:
            body: bytes = connection.polling.get(environ[EXCHANGE].raw)
        except PollRefused as refused:
            raise _Refused(_BAD_REQUEST) from refused
        return body

    def _post(self, connection: Connection, environ: Environ) -> bytes:
        try:
            connection.polling.post(read_body(environ, self.max_http_buffer_size))
        except ProtocolViolation as violation:
            self.violated(connection, violation)
            too_big = violation.code == TOO_BIG
            status = "413 Content Too Large" if too_big else "400 Bad Request"
            raise _Refused(_BAD_REQUEST, status) from violation
        return b"ok"

    # --- what sessions call -----------------------------------------------------------------------

    def message_took(self, seconds: float) -> None:
        self.message_seconds += (seconds - self.message_seconds) * LEARNT_PER_MESSAGE

    def ponged(self, connection: Connection) -> None:
        self.heartbeat.pong(connection)

    def waits(self, connection: Outbound) -> None:
        self.waiting.add(connection)

    def ended(self, connection: Connection, reason: str) -> None:
        """Tell the application, and forget the session."""
        self.heartbeat.forget(connection)
        self._trigger_event("disconnect", connection.sid, reason, run_async=False)
        self.sockets.pop(connection.sid, None)
        self.waiting.discard(connection)

    # --- ends -------------------------------------------------------------------------------------

    def close_for(self, connection: Connection, code: int, text: str) -> None:
        """Close with a code, from any greenlet or the hub."""
        reason = Reason.PING_TIMEOUT if text == PING_TIMEOUT else Reason.TRANSPORT_ERROR
        connection.close_soon(reason, code, text)
