"""One WebSocket connection to an exchange: opened in the background, read with a bound on time
and size, cut off from elsewhere at any moment."""

import contextlib
import ssl
import threading
from collections.abc import Sequence

import websocket

from backend.clock import Clock
from backend.feeds.rest import BANNED, TOO_MANY_REQUESTS, retry_after_seconds
from backend.feeds.wire import Wire

# For connecting, for each step of the handshake, and for sending.
OPEN_TIMEOUT_S = 5.0
# The whole of opening, subscriptions included; a server that drips its answer is given up.
OPEN_DEADLINE_S = 15.0
# How long a read waits before the reader looks after other things.
POLL_S = 0.25
# A thread that looks a name up can't be cut off; it ends by itself, since its wire is cut.
CLOSE_TIMEOUT_S = 0.5
# The largest frame of a stream of trades and tickers is under 1 KB; a whole depth book is 200 KB.
MESSAGE_MAX_BYTES = 1024 * 1024


class _BoundedWebSocket(websocket.WebSocket):
    """Refuses a message over `MESSAGE_MAX_BYTES` by its announced length, before reading it."""

    def _recv(self, bufsize: int) -> bytes:
        assembled = self.cont_frame.cont_data
        size = (self.frame_buffer.length or 0) + (len(assembled[1]) if assembled else 0)
        if size > MESSAGE_MAX_BYTES:
            raise websocket.WebSocketPayloadException(f"a message of {size} bytes")
        received: bytes = super()._recv(bufsize)
        return received


class ConnectionLost(Exception):
    """The connection is of no use any more; open another, though not for `retry_after_s`. The
    message says why, for people; `status` is HTTP's, where the exchange's server refused."""

    def __init__(self, message: str, retry_after_s: float = 0.0, status: int = 0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
        self.status = status

    @classmethod
    def from_error(cls, error: Exception) -> "ConnectionLost":
        """For an error in opening, a refusal by the exchange's HTTP server among them."""
        if not isinstance(error, websocket.WebSocketBadStatusException):
            return cls(f"{type(error).__name__}: {error}")
        limited = error.status_code in (TOO_MANY_REQUESTS, BANNED)
        return cls(
            f"HTTP {error.status_code}",
            retry_after_seconds(error.resp_headers or {}) if limited else 0.0,
            error.status_code,
        )


class Connection:
    """Starts opening at once, in a thread of its own.

    Not ready before `opened` is set; then `error` is either None or why it failed.
    """

    def __init__(
        self,
        url: str,
        requests: Sequence[str],
        request_interval_s: float,
        clock: Clock,
        tls: ssl.SSLContext,
    ) -> None:
        self._url = url
        self._requests = requests
        self._request_interval_s = request_interval_s
        self._clock = clock
        self._wire = Wire(tls)
        self._socket = _BoundedWebSocket(skip_utf8_validation=True)
        self._abandoned = threading.Event()
        self.opened = threading.Event()
        # For whoever opens it to note, what it was asked for.
        self.subscribed: tuple[str, ...] = ()
        self.error: Exception | None = None
        self.started_at = clock.monotonic()
        self.opened_at = self.sent_at = self.started_at
        self.last_data_at: float | None = None
        self.data_count = 0
        self._thread = threading.Thread(target=self._open, name="feed-open", daemon=True)
        self._thread.start()

    def _open(self) -> None:
        try:
            self._socket.connect(
                self._url,
                socket=self._wire.open(self._url, OPEN_TIMEOUT_S),
                timeout=OPEN_TIMEOUT_S,
                redirect_limit=0,
                suppress_origin=True,
            )
            for request in self._requests:
                if self._abandoned.wait(self._request_interval_s):
                    return
                self._socket.send(request)
            self._socket.settimeout(POLL_S)
            self.opened_at = self.sent_at = self._clock.monotonic()
        except Exception as error:  # whatever it is, the feed tells it and tries again
            self.error = error
            self._socket.shutdown()
        finally:
            self.opened.set()

    @property
    def proven_s(self) -> float:
        """For how long it has brought data."""
        return 0.0 if self.last_data_at is None else self.last_data_at - self.opened_at

    @property
    def overdue(self) -> bool:
        """Opening has taken too long."""
        waited = self._clock.monotonic() - self.started_at
        return not self.opened.is_set() and waited > OPEN_DEADLINE_S

    def receive(self) -> bytes | None:
        """The next message, or None if none came within `POLL_S`. Raises ConnectionLost.

        Pings are answered on the way.
        """
        try:
            opcode, payload = self._socket.recv_data()
        except websocket.WebSocketTimeoutException:
            return None
        except (websocket.WebSocketException, OSError) as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error
        if opcode == websocket.ABNF.OPCODE_CLOSE:
            raise ConnectionLost(f"closed by the exchange {_close_reason(payload)}".rstrip())
        assert isinstance(payload, bytes)
        return payload

    def send(self, text: str) -> None:
        """Send a message on the open connection. Raises ConnectionLost."""
        try:
            self._socket.send(text)
        except (websocket.WebSocketException, OSError) as error:
            raise ConnectionLost(str(error) or type(error).__name__) from error
        self.sent_at = self._clock.monotonic()

    def saw_data(self, now: float) -> None:
        """The message just received was market data."""
        self.last_data_at = now
        self.data_count += 1

    def cut(self) -> None:
        """From another task: make opening or reading fail at once."""
        self._abandoned.set()
        self._wire.cut()

    def close(self) -> None:
        """Say goodbye if that's possible at once, and leave no socket or thread."""
        if self.opened.is_set() and self._socket.connected and not self._abandoned.is_set():
            with contextlib.suppress(websocket.WebSocketException, OSError):
                self._socket.send_close()
        self.cut()
        self._thread.join(CLOSE_TIMEOUT_S)
        self._socket.shutdown()
        self._wire.close()


def _close_reason(payload: bytes) -> str:
    if len(payload) < 2:
        return ""
    text = payload[2:].decode("utf-8", "replace")
    return f"({int.from_bytes(payload[:2], 'big')}{' ' + text if text else ''})"
