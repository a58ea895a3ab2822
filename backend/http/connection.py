"""One client's connection to the HTTP server: its requests one by one, until it ends or leaves HTTP
to become a WebSocket."""

import contextlib
import json
import logging
import socket
import time
from collections.abc import Callable, Iterable
from email.utils import formatdate
from http import HTTPStatus
from typing import Any

import h11

from backend import green
from backend.http.activity import RECEIVE_BYTES, Activity
from backend.http.exchange import Body, Exchange, environ_of
from backend.http.head import END, HEAD_MAX_BYTES, BadRequest, parse
from backend.http.leaving import Leaving
from backend.http.places import Place
from backend.turns import Turns

logger = logging.getLogger(__name__)

# A connection that asks for nothing is closed after this long ...
IDLE_SECONDS = 30.0
# ... and one that has begun to ask has to have sent its whole request within this.
REQUEST_SECONDS = 30.0
# An answer is given up when it has taken this long, and for each of its bytes as long as the
# slowest link takes that is worth serving.
ANSWER_SECONDS = 30.0
SLOWEST_BYTES_PER_SECOND = 4 * 1024
# What a request is charged of its sender's share: the measured median of the REST calls, and of
# the polls. What one takes by itself can't be told from what it waits.
REQUEST_COST_SECONDS = 0.0004
# An answer up to this size goes out in one piece with its head; to copy a larger one would take
# longer than a second call.
JOINED_BYTES = 16 * 1024

Address = tuple[str, int]
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class HttpConnection:
    """Serves one connection, whose first request has begun to come and has its turn; `run` is the
    body of its greenlet."""

    __slots__ = (
        "_sock",
        "_address",
        "_local",
        "_place",
        "_app",
        "_turns",
        "_errors",
        "_buffer",
        "_parser",
        "_deadline",
        "_exchange",
        "_activity",
        "_busy",
        "_has_turn",
        "_has_left",
        "__weakref__",
    )

    def __init__(
        self,
        sock: Any,
        address: Address,
        local: Address,
        place: Place,
        app: Application,
        turns: Turns,
        errors: Any,
        activity: Activity,
    ) -> None:
        self._sock = sock
        self._address = address
        self._local = local
        self._place = place
        self._app = app
        self._turns = turns
        self._errors = errors
        self._activity = activity
        self._busy = False
        self._be_busy(True)
        self._has_turn = True
        self._has_left = False  # an answer has been its last
        self._buffer = b""
        self._parser: h11.Connection
        self._deadline = 0.0
        self._exchange: Exchange | None = None

    def run(self) -> None:
        """Serve requests until the connection ends; then close it and free its place, unless that
        is for others to do: who has taken it over, or `Leaving`."""
        self._place.holder = self
        try:
            while self._serve():
                # Another request may have come already: others have their turn in between.
                green.pause()
        except BadRequest as bad:
            self._refuse(bad)
        except OSError:
            pass  # the client has gone, or took too long: there is nobody to be told
        except Exception:
            logger.exception("Serving a connection failed; it is closed")
        finally:
            self._be_busy(False)
            if self._has_left:
                self._activity.busy += 1
                sock = green.detach(self._sock)
                Leaving(sock, self._place, self._turns, self._activity.end)
            elif self._exchange is None or not self._exchange.taken:
                self._sock.close()
                self._place.release()
            # It refers to this connection. Without it both are freed now; the collector would
            # have the memory of thousands to itself until it runs.
            self._exchange = None

    def evicted(self) -> None:
        """From whatever greenlet: the one that waits here wakes up to an end of the stream."""
        with contextlib.suppress(OSError):
            green.raw_socket(self._sock).shutdown(socket.SHUT_RDWR)

    # --- requests ---------------------------------------------------------------------------------

    def _serve(self) -> bool:
        """Serve one request; whether another may follow."""
        self._be_busy(bool(self._buffer))
        head = self._read_head()
        if head is None:
            return False
        self._place.unknown()
        self._turns.enter(self._place.share)
        if not self._has_turn:
            self._turns.wait(self._place.share, REQUEST_COST_SECONDS)
        self._has_turn = False
        self._parser = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_MAX_BYTES)
        request = parse(head, self._parser)
        if self._buffer:
            self._parser.receive_data(self._buffer)
            self._buffer = b""
        body = Body(self._parser, self._receive, self._send_continue, self._rest)
        body.finish()
        exchange = self._exchange = Exchange(self._sock, self._place, self._early)
        environ = environ_of(request, exchange, body, self._address, self._local, self._errors)
        if not self._answer(environ, exchange, body):
            return False
        if self._parser.our_state is not h11.DONE or self._parser.their_state is not h11.DONE:
            self._has_left = True
            return False
        self._buffer = self._early()
        return True

    def _be_busy(self, busy: bool) -> None:
        self._activity.busy += busy - self._busy
        self._busy = busy

    def _early(self) -> bytes:
        """What has been read beyond the request."""
        data, _ended = self._parser.trailing_data
        return bytes(data)

    def _read_head(self) -> bytes | None:
        """The head of the next request; None where the client ends the connection first."""
        self._deadline = time.monotonic() + (REQUEST_SECONDS if self._buffer else IDLE_SECONDS)
        data = self._buffer
        begun = bool(data)
        while (end := data.find(END)) < 0:
            if len(data) > HEAD_MAX_BYTES:
                raise BadRequest("The head of the request is too long", 431)
            more = self._receive()
            if not more:
                if data.strip():
                    raise BadRequest("The request is cut off")
                return None
            if not begun:
                begun = True
                self._be_busy(True)
                self._deadline = time.monotonic() + REQUEST_SECONDS
            data = (data + more).lstrip(b"\r\n") if not data else data + more
        end += len(END)
        self._buffer = data[end:]
        return data[:end]

    def _receive(self) -> bytes:
        """What has come, or comes before the request's deadline; raises OSError after that."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        data: bytes = self._sock.recv(RECEIVE_BYTES)
        return data

    def _rest(self) -> None:
        self._turns.wait(self._place.share, REQUEST_COST_SECONDS)
        green.pause()

    def _send_continue(self) -> None:
        self._send(self._event(h11.InformationalResponse(status_code=100, headers=[])))

    # --- answers ----------------------------------------------------------------------------------

    def _answer(self, environ: dict[str, Any], exchange: Exchange, body: Body) -> bool:
        """Call the application and send what it answers; whether it has answered here."""
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], None]:
            started[:] = [(status, headers)]
            return _no_write

        try:
            result = self._app(environ, start_response)
        except OSError:
            raise  # the client has gone
        except Exception:
            logger.exception("The application failed on a request")
            raise BadRequest("The server failed on this request", 500) from None
        try:
            if exchange.taken or green.websocket_served():
                return False
            body.finish()
            status, headers = started[0]
            self._send_all(status, headers, result, body, environ["REQUEST_METHOD"] != "HEAD")
        finally:
            close = getattr(result, "close", None)
            if close is not None:
                close()
        return True

    def _send_all(
        self,
        status: str,
        headers: list[tuple[str, str]],
        result: Iterable[bytes],
        body: Body,
        with_content: bool,
    ) -> None:
        """Send an answer; to HEAD without its content (RFC 9110 9.3.2), which not every application
        leaves out."""
        code, _, reason = status.partition(" ")
        fields = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        names = {name.lower() for name, _ in headers}
        whole = b"".join(result) if isinstance(result, (list, tuple)) else None
        if whole is not None and "content-length" not in names:
            fields.append((b"Content-Length", b"%d" % len(whole)))
        if "date" not in names:
            fields.append((b"Date", formatdate(usegmt=True).encode()))
        if not body.complete or self._activity.closing:
            # What is left of the body is not read, so nothing can follow it.
            fields.append((b"Connection", b"close"))
        head = self._event(
            h11.Response(status_code=int(code), headers=fields, reason=reason.encode("latin-1"))
        )
        for part in result if whole is None else [whole]:
            if part and with_content:
                self._send(head, self._event(h11.Data(data=part)))
                head = b""
        self._send(head, self._event(h11.EndOfMessage()))

    def _event(self, event: Any) -> bytes:
        return self._parser.send(event) or b""

    def _send(self, head: bytes, data: bytes = b"") -> None:
        """Send all, for as long as that may take a client; raises OSError after that."""
        if len(data) <= JOINED_BYTES:
            head, data = head + data, b""
        self._send_one(head)
        self._send_one(data)

    def _send_one(self, data: bytes) -> None:
        rest = memoryview(data)
        deadline = time.monotonic() + ANSWER_SECONDS + len(data) / SLOWEST_BYTES_PER_SECOND
        while rest:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self._sock.settimeout(left)
            rest = rest[self._sock.send(rest) :]

    # --- the end ----------------------------------------------------------------------------------

    def _refuse(self, bad: BadRequest) -> None:
        """Answer a request that is not HTTP as it has to be, and part."""
        code = "bad_request" if bad.status < 500 else "internal_error"
        body = json.dumps({"error": {"code": code, "message": str(bad)}}).encode()
        head = (
            f"HTTP/1.1 {bad.status} {HTTPStatus(bad.status).phrase}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
            f"Connection: close\r\n\r\n"
        )
        with contextlib.suppress(OSError):
            self._send(head.encode() + body)
            self._has_left = True


def _no_write(_data: bytes) -> None:
    """WSGI's imperative way of answering, which nothing here uses (PEP 3333 asks for it)."""
    raise NotImplementedError
